//! Reductions over any axes: sum, mean, sum of squares, largest and smallest element.

mod cases;
mod layout;
mod lower;

pub use cases::cases;
pub(super) use lower::sum_parts;

use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::Candidates;
use crate::tensor::{Array, DType, Shape, TensorType};
use layout::Layout;

/// What a reduction makes of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their arithmetic mean.
    Mean,
    /// The sum of their squares.
    SumSquares,
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl Reduction {
    /// What is made of partial results: squares are taken once.
    fn again(self) -> Self {
        if self == Self::SumSquares { Self::Sum } else { self }
    }
}

/// Input f32 `[…]` → the same without `axes`, or with extent 1 there.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// What is made of the elements.
    pub reduction: Reduction,
    /// The reduced axes, ascending.
    pub axes: Vec<usize>,
    /// Whether reduced axes stay, with extent 1.
    pub keep_dims: bool,
}

impl Reduce {
    fn kept_shape(&self, shape: &Shape) -> Shape {
        let extent = |(axis, &extent)| if self.axes.contains(&axis) { 1 } else { extent };
        shape.iter().enumerate().map(extent).collect::<Vec<_>>().into()
    }

    fn count(&self, shape: &Shape) -> usize {
        self.axes.iter().map(|&a| shape[a]).product()
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        match self.reduction {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
            Reduction::SumSquares => "sum_squares",
            Reduction::Max => "max",
            Reduction::Min => "min",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        if x.dtype != DType::F32 {
            return Err(ShapeError::new(format!("takes f32, not {}", x.dtype)));
        }
        if !self.axes.is_sorted_by(|a, b| a < b) || self.axes.iter().any(|&a| a >= x.shape.rank()) {
            return Err(ShapeError::new(format!("axes {:?} of {}", self.axes, x.shape)));
        }
        if x.count() == 0 {
            return Err(ShapeError::new(format!("{} has no elements", x.shape)));
        }
        if Layout::new(&x.shape, &self.axes).is_none() {
            let (axes, shape) = (&self.axes, &x.shape);
            return Err(ShapeError::new(format!("axes {axes:?} of {shape} are more than three separate runs")));
        }
        let kept = self.kept_shape(&x.shape);
        if self.keep_dims {
            return Ok(TensorType::f32(kept));
        }
        let left = (0..kept.rank()).filter(|a| !self.axes.contains(a)).map(|a| kept[a]);
        Ok(TensorType::f32(left.collect::<Vec<_>>()))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let kept = self.kept_shape(&x.shape);
        let start = match self.reduction {
            Reduction::Max => f64::NEG_INFINITY,
            Reduction::Min => f64::INFINITY,
            _ => 0.0,
        };
        let mut y = Array::full(kept.clone(), start);
        let strides = kept.broadcast_strides(&x.shape);
        let mut values = x.values.iter();
        Array::from_fn(x.shape.clone(), |index| {
            let place: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            let (value, slot) = (values.next().copied().unwrap_or_default(), &mut y.values[place]);
            *slot = match self.reduction {
                Reduction::Sum | Reduction::Mean => *slot + value,
                Reduction::SumSquares => *slot + value * value,
                Reduction::Max => slot.max(value),
                Reduction::Min => slot.min(value),
            };
            0.0
        });
        if self.reduction == Reduction::Mean {
            let count = self.count(&x.shape) as f64;
            y = y.map(|sum| sum / count);
        }
        if self.keep_dims {
            return y;
        }
        let left = (0..kept.rank()).filter(|a| !self.axes.contains(a)).map(|a| kept[a]);
        y.reshaped(left.collect::<Vec<_>>())
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let x = io.inputs[0];
        let shape = graph.ty(x).shape.clone();
        let kept = self.kept_shape(&shape);
        let d = graph.reshape(io.d_output, kept.clone())?;
        let d_x = match self.reduction {
            Reduction::Sum => graph.expand(d, &shape)?,
            Reduction::Mean => {
                let share = graph.scalar(1.0 / self.count(&shape) as f32);
                let each = graph.mul(d, share)?;
                graph.expand(each, &shape)?
            }
            Reduction::SumSquares => {
                let two = graph.scalar(2.0);
                let twice = graph.mul(d, two)?;
                graph.mul(twice, x)?
            }
            // Equal extremes share evenly, as PyTorch's amax and amin have it.
            Reduction::Max | Reduction::Min => {
                let y = graph.reshape(io.output, kept)?;
                let hit = graph.equal(x, y)?;
                let hits = graph.sum(hit, &self.axes, true)?;
                let each = graph.div(d, hits)?;
                graph.mul(hit, each)?
            }
        };
        Ok(vec![Some(d_x)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        lower::lower(self, l)
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        let operations = if self.reduction == Reduction::SumSquares { 2 } else { 1 };
        types.inputs[0].count() as u64 * operations
    }
}

impl Graph {
    /// The sum of `x` over `axes`, in any order; over no axes, `x` itself. With `keep_dims` they stay, with extent 1.
    ///
    /// # Errors
    /// When an axis is not one of `x`, or is named twice.
    pub fn sum(&mut self, x: NodeId, axes: &[usize], keep_dims: bool) -> Result<NodeId, GraphError> {
        self.reduce(Reduction::Sum, x, axes, keep_dims)
    }

    /// The arithmetic mean of `x` over `axes`; otherwise as [`Graph::sum`].
    ///
    /// # Errors
    /// When an axis is not one of `x`, or is named twice.
    pub fn mean(&mut self, x: NodeId, axes: &[usize], keep_dims: bool) -> Result<NodeId, GraphError> {
        self.reduce(Reduction::Mean, x, axes, keep_dims)
    }

    /// The sum of the squares of `x` over `axes`; otherwise as [`Graph::sum`].
    ///
    /// # Errors
    /// When an axis is not one of `x`, or is named twice.
    pub fn sum_squares(&mut self, x: NodeId, axes: &[usize], keep_dims: bool) -> Result<NodeId, GraphError> {
        self.reduce(Reduction::SumSquares, x, axes, keep_dims)
    }

    /// The largest element of `x` over `axes`; otherwise as [`Graph::sum`]. Equal ones share the gradient evenly.
    ///
    /// # Errors
    /// When an axis is not one of `x`, or is named twice.
    pub fn max(&mut self, x: NodeId, axes: &[usize], keep_dims: bool) -> Result<NodeId, GraphError> {
        self.reduce(Reduction::Max, x, axes, keep_dims)
    }

    /// The smallest element of `x` over `axes`; otherwise as [`Graph::sum`]. Equal ones share the gradient evenly.
    ///
    /// # Errors
    /// When an axis is not one of `x`, or is named twice.
    pub fn min(&mut self, x: NodeId, axes: &[usize], keep_dims: bool) -> Result<NodeId, GraphError> {
        self.reduce(Reduction::Min, x, axes, keep_dims)
    }

    /// Sums `x` over the axes along which `shape` broadcasts to it: the gradient of broadcasting.
    ///
    /// # Errors
    /// When `shape` does not broadcast to that of `x`.
    pub fn sum_to(&mut self, x: NodeId, shape: &Shape) -> Result<NodeId, GraphError> {
        let from = self.ty(x).shape.clone();
        if shape.broadcast(&from).as_ref() != Some(&from) {
            return Err(self.error("sum_to", &[x], &format!("{shape} does not broadcast to {from}")));
        }
        let lead = from.rank() - shape.rank();
        let repeats = |axis: usize| from[axis] != 1 && (axis < lead || shape[axis - lead] == 1);
        let axes: Vec<usize> = (0..from.rank()).filter(|&a| repeats(a)).collect();
        let sum = self.sum(x, &axes, true)?;
        self.reshape(sum, shape.clone())
    }

    fn reduce(
        &mut self,
        reduction: Reduction,
        x: NodeId,
        axes: &[usize],
        keep_dims: bool,
    ) -> Result<NodeId, GraphError> {
        let mut axes = axes.to_vec();
        axes.sort_unstable();
        let op = Reduce { reduction, axes, keep_dims };
        let ty = self.ty(x).clone();
        // Over axes of extent 1 there is nothing to compute, unless to square.
        let in_range = op.axes.is_sorted_by(|a, b| a < b) && op.axes.iter().all(|&a| a < ty.shape.rank());
        if in_range && op.count(&ty.shape) == 1 && reduction != Reduction::SumSquares {
            let shape = op.infer(&[ty]).map_err(|e| self.error(op.name(), &[x], &e.0))?.shape;
            return self.reshape(x, shape);
        }
        self.apply(op, &[x])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Feeds, evaluate};

    fn run(x: Array, build: impl FnOnce(&mut Graph, NodeId) -> NodeId) -> Array {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32(x.shape.clone()));
        let y = build(&mut graph, input);
        evaluate(&graph, &mut Feeds::from([(input, x)]))[y.0 as usize].clone()
    }

    #[test]
    fn sum_to_undoes_every_broadcast() {
        let x = Array::full([2, 3, 4], 1.0);
        for (shape, sum) in [(&[][..], 24.0), (&[4], 6.0), (&[3, 1], 8.0), (&[2, 1, 4], 3.0), (&[1, 1, 1], 24.0)] {
            let y = run(x.clone(), |g, x| g.sum_to(x, &shape.into()).unwrap());
            assert_eq!(y, Array::full(shape, sum));
        }
        let mut graph = Graph::new();
        let x = graph.input("x", TensorType::f32([2, 3]));
        assert_eq!(graph.sum_to(x, &[2, 3].into()), Ok(x));
        assert!(graph.sum_to(x, &[2].into()).is_err());
        assert!(graph.sum_to(x, &[4, 2, 3].into()).is_err());
    }

    #[test]
    fn axes_are_checked_and_may_come_in_any_order() {
        let x = Array::new([2, 3], vec![1.0, 5.0, 3.0, -1.0, 0.0, 2.0]);
        assert_eq!(run(x.clone(), |g, x| g.max(x, &[1, 0], true).unwrap()), Array::full([1, 1], 5.0));
        assert_eq!(run(x.clone(), |g, x| g.min(x, &[1], false).unwrap()), Array::new([2], vec![1.0, -1.0]));
        assert_eq!(run(x.clone(), |g, x| g.mean(x, &[0], false).unwrap()).values, [0.0, 2.5, 2.5]);
        assert_eq!(run(x, |g, x| g.sum_squares(x, &[0, 1], false).unwrap()).values, [40.0]);
        let mut graph = Graph::new();
        let x = graph.input("x", TensorType::f32([2, 1]));
        assert!(graph.sum(x, &[2], false).is_err());
        assert!(graph.sum(x, &[0, 0], false).is_err());
        assert_eq!(graph.sum(x, &[], false), Ok(x));
        let squeezed = graph.sum(x, &[1], false).unwrap();
        assert_eq!(graph.node(squeezed).op().map(Op::name), Some("reshape"));
    }
}
