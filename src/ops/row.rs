//! Rows that a group of invocations keeps in registers from pass to pass, so that memory is read once: for GPUs, where a
//! load is a long wait and a barrier a short one.

use super::copy::common_width;
use super::group::Group;
use crate::gpu::Caps;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, element};

/// Bytes of each tensor that an invocation is to have on their way at once, in all.
const IN_FLIGHT: usize = 64;
/// Floats that an invocation keeps at most.
const KEPT: usize = 32;
/// Invocations that a row is given before an invocation is given more than it is to have on their way.
const USUAL: usize = 256;

/// The strategy `row` of `source` for `rows` rows of `length` floats that lie one after another, where the device can keep
/// them: of `tensors` tensors, which are the first inputs. The kernel's parameters but for `rows` and `length`, and its
/// constants, are `finish`'s.
pub(super) fn row(
    source: Source,
    [rows, length]: [usize; 2],
    tensors: usize,
    inputs: usize,
    caps: &Caps,
    finish: impl FnOnce(KernelCall) -> KernelCall,
) -> Option<Strategy> {
    let width = common_width(&[length]);
    let words = length / width;
    let group = held(rows, words, width * tensors, caps)?;
    let kernel = group
        .define(Kernel::new(source))
        .constant("EACH", words.div_ceil(group.lanes))
        .constant("WIDTH", width)
        .constant("Elem", element(width))
        .code(code(width));
    let call = KernelCall::new(kernel, group.grid(rows, caps)).bind_inputs(inputs).bind(Operand::Output);
    Some(Strategy::single("row", finish(call.param("rows", rows).param("length", words))))
}

/// The group for rows of `words` words, of each of which an invocation keeps `floats` floats.
fn held(rows: usize, words: usize, floats: usize, caps: &Caps) -> Option<Group> {
    let most = caps.invocations as usize;
    if caps.is_software() || most < USUAL || caps.workgroup_bytes < 8 * caps.invocations {
        return None;
    }
    let few = Group::new(rows, words, (IN_FLIGHT / 4 / floats).max(1), USUAL);
    let many = Group::new(rows, words, KEPT / floats, most);
    let fits = |group: &Group| words.div_ceil(group.lanes) * floats <= KEPT;
    [few, many].into_iter().find(fits)
}

/// What differs between one and four floats: the largest of an Elem, the sum of it, the one of class `label`, and an Elem of
/// `value` for that class and 0 for the others of Elem `i`.
fn code(width: usize) -> String {
    let [highest, total, one, classes] = match width {
        4 => [
            "max(max(v.x, v.y), max(v.z, v.w))",
            "(v.x + v.y) + (v.z + v.w)",
            "v[label % 4u]",
            "vec4<u32>(0u, 1u, 2u, 3u)",
        ],
        _ => ["v", "v", "v", "0u"],
    };
    let spread = if width == 4 { "vec4<u32>" } else { "u32" };
    format!(
        "fn highest(v: Elem) -> f32 {{ return {highest}; }}\n\
         fn total(v: Elem) -> f32 {{ return {total}; }}\n\
         fn one_of(v: Elem, label: u32) -> f32 {{ return {one}; }}\n\
         fn only(i: u32, label: u32, value: f32) -> Elem {{\n\
         \x20   return select(Elem(0.0), Elem(value), {spread}(i * WIDTH) + {classes} == {spread}(label));\n\
         }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::AdapterKind;

    #[test]
    fn rows_are_kept_as_far_as_registers_and_invocations_reach() {
        let caps = Caps { invocations: 1024, workgroup_bytes: 32 << 10, ..Caps::webgpu_minimum() };
        let of = |rows, length: usize, tensors, caps: &Caps| {
            let width = common_width(&[length]);
            let words = length / width;
            held(rows, words, width * tensors, caps).map(|g| (g.lanes, g.invocations, words.div_ceil(g.lanes)))
        };
        assert_eq!(of(65_536, 1024, 1, &caps), Some((64, 256, 4)));
        assert_eq!(of(65_536, 1024, 2, &caps), Some((128, 256, 2)));
        assert_eq!(of(65_536, 1000, 1, &caps), Some((64, 256, 4)));
        assert_eq!(of(65_536, 1001, 1, &caps), Some((64, 256, 16)));
        assert_eq!(of(9, 10, 1, &caps), Some((4, 64, 3)));
        assert_eq!(of(128, 8192, 1, &caps), Some((256, 256, 8)));
        assert_eq!(of(128, 32_768, 1, &caps), Some((1024, 1024, 8)));
        assert_eq!(of(128, 32_772, 1, &caps), None);
        assert_eq!(of(128, 16_384, 1, &Caps::webgpu_minimum()), None);
        assert_eq!(of(9, 100, 1, &Caps { kind: AdapterKind::Software, ..caps }), None);
    }
}
