//! How many invocations and workgroups a pass over all elements of a tensor is.
//!
//! A GPU starts workgroups one after another, about one a nanosecond: 64 invocations with one vec4 each would wait for that and
//! not for memory. So there a large pass has few and large workgroups, whose invocations do several elements each, all of
//! them loaded before the first is stored: a load takes about a microsecond, and what is on its way meanwhile is what memory is
//! busy with. A small pass is cut finer, for a part each of the machine.

use crate::gpu::Caps;
use crate::kernel::{Kernel, linear_grid};

/// Invocations of a workgroup where starting one costs little against its work, as in software.
const SMALL: usize = 64;
/// Invocations of a workgroup in a large pass: WebGPU's least limit.
const LARGE: usize = 256;
/// Large workgroups that a pass is worth.
const LARGE_FROM: usize = 512;
/// Workgroups that are left when an invocation does several elements.
const LEAST_WORKGROUPS: usize = 1024;
/// Bytes an invocation of a large pass reads and writes at least.
const BYTES: usize = 128;
/// The most elements of an invocation.
const MOST: usize = 8;

/// The shape of a pass. An invocation does `run` elements, `invocations` apart: each workgroup works on neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Launch {
    /// Invocations of a workgroup.
    pub invocations: usize,
    /// Elements of an invocation.
    pub run: usize,
    /// How many elements are loaded together with the first, before that is stored.
    more: usize,
}

impl Launch {
    /// Of `count` elements, each of which `bytes` bytes are read and written for. Software drivers run `in_software` of them
    /// an invocation, one after another.
    pub fn new(count: usize, bytes: usize, in_software: usize, caps: &Caps) -> Self {
        if caps.is_software() {
            return Self { invocations: SMALL, run: in_software, more: 0 };
        }
        let large = count >= LARGE_FROM * LARGE && caps.invocations as usize >= LARGE;
        let invocations = if large { LARGE } else { SMALL };
        let most = BYTES.div_ceil(bytes.max(1)).next_power_of_two().min(MOST);
        let leaves_enough = |run: &usize| count >= LEAST_WORKGROUPS * LARGE * run;
        let run = std::iter::successors(Some(most), |run| Some(run / 2)).find(|run| *run == 1 || leaves_enough(run));
        let run = run.unwrap_or(1);
        Self { invocations, run, more: run - 1 }
    }

    /// Of `count` elements, one an invocation: where each is much work.
    pub fn single(count: usize, caps: &Caps) -> Self {
        Self::new(count, BYTES, 1, caps)
    }

    /// The same with at most `most` elements an invocation.
    pub fn at_most(self, most: usize) -> Self {
        let run = self.run.min(most.max(1));
        Self { run, more: self.more.min(run - 1), ..self }
    }

    /// Tells a kernel its shape: `WG`, `RUN`, and `MORE`, the elements that are loaded together with the first.
    pub fn define(self, kernel: Kernel) -> Kernel {
        kernel.constant("WG", self.invocations).constant("RUN", self.run).constant("MORE", self.more)
    }

    /// The grid over `count` elements.
    pub fn grid(self, count: usize, caps: &Caps) -> [u32; 3] {
        linear_grid(count.div_ceil(self.invocations * self.run), caps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::AdapterKind;

    #[test]
    fn large_passes_have_few_workgroups_and_small_ones_enough() {
        let caps = Caps::webgpu_minimum();
        let of = |count, bytes| {
            let launch = Launch::new(count, bytes, 4, &caps);
            (launch.invocations, launch.run, launch.more, launch.grid(count, &caps)[0])
        };
        // A copy of 256 MiB by vec4; a sum of two tensors; an update of many; a copy of words.
        assert_eq!(of(1 << 24, 32), (256, 4, 3, 16_384));
        assert_eq!(of(1 << 24, 48), (256, 4, 3, 16_384));
        assert_eq!(of(1 << 24, 112), (256, 2, 1, 32_768));
        assert_eq!(of(1 << 24, 8), (256, 8, 7, 8192));
        // Less, down to what no workgroup is full with.
        assert_eq!(of(1 << 20, 32), (256, 4, 3, 1024));
        assert_eq!(of(1 << 19, 32), (256, 2, 1, 1024));
        assert_eq!(of(1 << 18, 32), (256, 1, 0, 1024));
        assert_eq!(of(100_000, 32), (64, 1, 0, 1563));
        assert_eq!(of(0, 32), (64, 1, 0, 1));
    }

    #[test]
    fn software_and_small_devices_keep_small_workgroups() {
        let software = Caps { kind: AdapterKind::Software, ..Caps::webgpu_minimum() };
        assert_eq!(Launch::new(1 << 24, 32, 4, &software), Launch { invocations: 64, run: 4, more: 0 });
        assert_eq!(Launch::single(1 << 24, &software), Launch { invocations: 64, run: 1, more: 0 });
        let small = Caps { invocations: 128, ..Caps::webgpu_minimum() };
        assert_eq!(Launch::new(1 << 24, 32, 4, &small), Launch { invocations: 64, run: 4, more: 3 });
        let few = Launch::new(1 << 24, 32, 1, &Caps::webgpu_minimum()).at_most(3);
        assert_eq!(few, Launch { invocations: 256, run: 3, more: 2 });
    }
}
