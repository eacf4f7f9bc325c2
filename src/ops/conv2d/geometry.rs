//! All extents of one convolution.

use super::{Conv2d, fours};
use crate::graph::ShapeError;
use crate::kernel::{KernelCall, Size};
use crate::tensor::{Array, TensorType};

/// A convolution with the extents of its operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Geometry {
    pub n: usize,
    /// Input channels, all groups.
    pub c: usize,
    pub h: usize,
    pub w: usize,
    /// Output channels, all groups.
    pub o: usize,
    pub oh: usize,
    pub ow: usize,
    pub kh: usize,
    pub kw: usize,
    pub stride: [usize; 2],
    /// Zeros above and to the left.
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
}

/// A convolution of an image of stride and dilation 1, or the gradient with respect to its input, which is one with other
/// weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// Images.
    pub n: usize,
    /// Channels summed over, rows and columns read.
    pub c: usize,
    pub size: [usize; 2],
    /// Channels, rows and columns computed.
    pub o: usize,
    pub of: [usize; 2],
    /// Rows and columns of taps.
    pub kernel: [usize; 2],
    /// Zeros above and to the left; less than none where there is more padding than kernel.
    pub padding: [isize; 2],
    /// Whether the weight's first axis is summed over, its taps running backwards.
    pub flip: bool,
}

/// Neighbours of a row that a word has.
pub(super) const WORD: usize = 4;
/// Taps that kernels write out at most.
const MOST_TAPS: usize = 9;

impl Pass {
    /// Whether kernels do it that write out its taps and read and write rows in words.
    pub fn in_words(&self, g: &Geometry) -> bool {
        let [kh, kw] = self.kernel;
        g.stride == [1, 1]
            && g.dilation == [1, 1]
            && g.groups == 1
            && kh * kw <= MOST_TAPS
            && [self.size[1], self.of[1]].iter().all(|columns| columns.is_multiple_of(WORD))
            && [self.n, self.c, self.o].iter().chain(&self.size).chain(&self.of).all(|&n| n > 0)
    }

    /// Sets the parameters that all such kernels have.
    pub fn params(&self, call: KernelCall) -> KernelCall {
        call.param("n", self.n)
            .param("rows", self.size[0])
            .param("words", self.size[1] / WORD)
            .param("out_rows", self.of[0])
            // Less than 0, it wraps, and back when it is taken from a place.
            .param("pad_y", self.padding[0] as u32)
    }
}

impl Geometry {
    /// The convolution of x `[N, C, H, W]` by weight `[O, C / groups, KH, KW]`.
    pub fn new(conv: &Conv2d, x: [usize; 4], weight: [usize; 4]) -> Result<Self, ShapeError> {
        let ([n, c, h, w], [o, group_c, kh, kw]) = (x, weight);
        let wrong = |why: String| Err(ShapeError::new(format!("x {x:?} and weight {weight:?}: {why}")));
        let Conv2d { stride, padding: [top, left, bottom, right], dilation, groups } = *conv;
        if groups == 0 || c % groups != 0 || o % groups != 0 {
            return wrong(format!("{c} channels in and {o} out do not divide into {groups} groups"));
        }
        if group_c * groups != c {
            let has = group_c * groups;
            return wrong(format!("the weight is for {has} channels in {groups} groups, x has {c}"));
        }
        if stride.contains(&0) || dilation.contains(&0) || c == 0 || kh == 0 || kw == 0 {
            return wrong(format!("stride {stride:?}, dilation {dilation:?}, channels and kernel must be at least 1"));
        }
        let axis = |extent: usize, padding: usize, kernel: usize, axis: usize| {
            Some((extent + padding).checked_sub((kernel - 1) * dilation[axis] + 1)? / stride[axis] + 1)
        };
        match (axis(h, top + bottom, kh, 0), axis(w, left + right, kw, 1)) {
            (Some(oh), Some(ow)) => {
                Ok(Self { n, c, h, w, o, oh, ow, kh, kw, stride, padding: [top, left], dilation, groups })
            }
            _ => wrong(format!("the kernel, with dilation {dilation:?}, is larger than the padded image")),
        }
    }

    pub fn of_types(conv: &Conv2d, x: &TensorType, weight: &TensorType) -> Result<Self, ShapeError> {
        let [x, weight] = fours(["x", "weight"], [x, weight])?;
        Self::new(conv, x, weight)
    }

    /// Of arrays whose types were inferred.
    pub fn of_arrays(conv: &Conv2d, x: &Array, weight: &Array) -> Self {
        let types = [x, weight].map(|a| TensorType::f32(a.shape.clone()));
        Self::of_types(conv, &types[0], &types[1]).unwrap_or_else(|e| unreachable!("{}", e.0))
    }

    pub fn x(&self) -> [usize; 4] {
        [self.n, self.c, self.h, self.w]
    }

    pub fn weight(&self) -> [usize; 4] {
        [self.o, self.group_c(), self.kh, self.kw]
    }

    pub fn y(&self) -> [usize; 4] {
        [self.n, self.o, self.oh, self.ow]
    }

    /// The convolution.
    pub fn forward(&self) -> Pass {
        Pass {
            n: self.n,
            c: self.c,
            size: [self.h, self.w],
            o: self.o,
            of: [self.oh, self.ow],
            kernel: [self.kh, self.kw],
            padding: self.padding.map(|n| n as isize),
            flip: false,
        }
    }

    /// Its gradient with respect to the input.
    pub fn d_input(&self) -> Pass {
        let around = |axis: usize, kernel: usize| kernel as isize - 1 - self.padding[axis] as isize;
        Pass {
            c: self.o,
            size: [self.oh, self.ow],
            o: self.c,
            of: [self.h, self.w],
            padding: [around(0, self.kh), around(1, self.kw)],
            flip: true,
            ..self.forward()
        }
    }

    /// Input channels of a group.
    pub fn group_c(&self) -> usize {
        self.c / self.groups
    }

    /// Output channels of a group.
    pub fn group_o(&self) -> usize {
        self.o / self.groups
    }

    /// Rows, columns and terms of a group's convolution as a matrix product.
    pub fn forward_product(&self) -> [usize; 3] {
        [self.group_o(), self.n * self.oh * self.ow, self.group_c() * self.kh * self.kw]
    }

    /// The same of its gradient with respect to the input.
    pub fn d_input_product(&self) -> [usize; 3] {
        [self.group_c(), self.n * self.h * self.w, self.group_o() * self.kh * self.kw]
    }

    /// The same of its gradient with respect to the weight.
    pub fn d_weight_product(&self) -> [usize; 3] {
        [self.group_o(), self.group_c() * self.kh * self.kw, self.n * self.oh * self.ow]
    }

    pub fn flops(&self) -> u64 {
        2 * self.y().iter().chain(&self.weight()[1..]).map(|&n| n as u64).product::<u64>()
    }

    /// Calls `term` with the places in x, weight and y of every product that the convolution sums.
    pub fn walk(&self, mut term: impl FnMut(usize, usize, usize)) {
        let (group_c, group_o) = (self.group_c(), self.group_o());
        let from = |axis: usize, out: usize, k: usize, extent: usize| {
            let place = out * self.stride[axis] + k * self.dilation[axis];
            place.checked_sub(self.padding[axis]).filter(|&place| place < extent)
        };
        for (n, o, oy, ox) in indices(self.y()) {
            let y = ((n * self.o + o) * self.oh + oy) * self.ow + ox;
            for ky in 0..self.kh {
                let Some(iy) = from(0, oy, ky, self.h) else { continue };
                for kx in 0..self.kw {
                    let Some(ix) = from(1, ox, kx, self.w) else { continue };
                    for c in 0..group_c {
                        let x = ((n * self.c + o / group_o * group_c + c) * self.h + iy) * self.w + ix;
                        term(x, ((o * group_c + c) * self.kh + ky) * self.kw + kx, y);
                    }
                }
            }
        }
    }

    /// What kernels from outside may ask for.
    pub fn sizes(&self) -> Vec<Size> {
        vec![
            Size::extent("n", self.n),
            Size::extent("c", self.c),
            Size::extent("h", self.h),
            Size::extent("w", self.w),
            Size::extent("o", self.o),
            Size::extent("kh", self.kh),
            Size::extent("kw", self.kw),
            // Where nothing else is, these follow from the others.
            Size::attribute("oh", self.oh, self.h + 1 - self.kh.min(self.h), &[]),
            Size::attribute("ow", self.ow, self.w + 1 - self.kw.min(self.w), &[]),
            Size::attribute("stride_y", self.stride[0], 1, &[]),
            Size::attribute("stride_x", self.stride[1], 1, &[]),
            Size::attribute("pad_y", self.padding[0], 0, &[]),
            Size::attribute("pad_x", self.padding[1], 0, &[]),
            Size::attribute("dilation_y", self.dilation[0], 1, &[]),
            Size::attribute("dilation_x", self.dilation[1], 1, &[]),
            Size::attribute("groups", self.groups, 1, &[]),
        ]
    }

    /// Sets the parameters that all direct kernels have.
    pub fn params(&self, call: KernelCall) -> KernelCall {
        call.param("n", self.n)
            .param("c", self.c)
            .param("h", self.h)
            .param("w", self.w)
            .param("o", self.o)
            .param("oh", self.oh)
            .param("ow", self.ow)
            .param("kh", self.kh)
            .param("kw", self.kw)
            .param("stride_y", self.stride[0])
            .param("stride_x", self.stride[1])
            .param("pad_y", self.padding[0])
            .param("pad_x", self.padding[1])
            .param("dilation_y", self.dilation[0])
            .param("dilation_x", self.dilation[1])
            .param("groups", self.groups)
    }
}

fn indices([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..a * b * c * d).map(move |i| (i / (b * c * d), i / (c * d) % b, i / d % c, i % d))
}
