//! How many invocations a GPU works on one result with, where one has much to join: a row's sum, or a part of a long one.

use crate::gpu::Caps;
use crate::kernel::{Kernel, linear_grid};

/// Invocations of a workgroup that works on several results, or on one that is enough for it: WebGPU's least limit.
const LARGE: usize = 256;
/// Invocations of a workgroup where there are too few results to fill a machine with large ones.
const SMALL: usize = 64;
/// Large workgroups that are enough of them.
const LARGE_FROM: usize = 512;
/// Elements of a long reduction that an invocation loads at once.
const IN_FLIGHT: usize = 4;
/// Invocations that are worth an exchange.
const LEAST: usize = 4;

/// Groups of invocations, each with one result: `lib/group.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Group {
    /// Invocations of a group, a power of two.
    pub lanes: usize,
    /// Invocations of a workgroup, a multiple of that.
    pub invocations: usize,
}

impl Group {
    /// For `count` results of `elements` elements, of which an invocation loads `each` at once; up to `most` invocations,
    /// which loop where that is not enough.
    pub fn new(count: usize, elements: usize, each: usize, most: usize) -> Self {
        let lanes = elements.div_ceil(each).next_power_of_two().clamp(LEAST, floor(most).max(LEAST));
        let workgroup = if count * lanes >= LARGE_FROM * LARGE { LARGE } else { SMALL };
        Self { lanes, invocations: workgroup.min(floor(most)).max(lanes) }
    }

    /// For `count` parts of `elements` elements of long reductions: the group, and how many elements an invocation loads
    /// together with a first one. In software a part is a workgroup's, which loads one at a time.
    pub fn of_parts(count: usize, elements: usize, caps: &Caps) -> (Self, usize) {
        if caps.is_software() {
            let invocations = if elements >= 512 { 256 } else { 64 };
            return (Self { lanes: invocations, invocations }, 0);
        }
        (Self::new(count, elements, IN_FLIGHT, LARGE.min(caps.invocations as usize)), IN_FLIGHT - 1)
    }

    /// Tells a kernel of them: `WG`, `LANES`, and the two factors of `LANES` by which `lib/group_sum.wgsl` goes.
    pub fn define(self, kernel: Kernel) -> Kernel {
        let folded = 1 << (self.lanes.ilog2() / 2);
        kernel
            .constant("WG", self.invocations)
            .constant("LANES", self.lanes)
            .constant("FOLDED", folded)
            .constant("KEPT", self.lanes / folded)
    }

    /// The grid for `count` results.
    pub fn grid(self, count: usize, caps: &Caps) -> [u32; 3] {
        linear_grid(count.div_ceil(self.invocations / self.lanes), caps)
    }
}

/// The largest power of two that is not above `n`.
fn floor(n: usize) -> usize {
    1 << n.max(1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_what_a_result_needs_and_a_workgroup_what_a_machine_does() {
        let of = |count, elements| {
            let group = Group::new(count, elements, 4, 256);
            (group.lanes, group.invocations, group.grid(count, &Caps::webgpu_minimum())[0])
        };
        assert_eq!(of(65_536, 256), (64, 256, 16_384));
        assert_eq!(of(65_536, 250), (64, 256, 16_384));
        assert_eq!(of(65_536, 3), (4, 256, 1024));
        assert_eq!(of(7, 3), (4, 64, 1));
        assert_eq!(of(100, 250), (64, 64, 100));
        assert_eq!(of(2, 1 << 20), (256, 256, 2));
        assert_eq!(Group::new(9, 1000, 1, 1000), Group { lanes: 512, invocations: 512 });
        assert_eq!(Group::new(1 << 20, 1 << 20, 1, 128), Group { lanes: 128, invocations: 128 });
    }
}
