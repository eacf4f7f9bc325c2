use super::Extents;
use super::forward::Recurrent;
use super::grad::RecurrentGrad;
use crate::graph::Lowering;
use crate::kernel::Strategy;

pub(super) fn forward(_: &Recurrent, _: Extents, _: &Lowering<'_>) -> Option<Strategy> {
    None
}
pub(super) fn backward(_: &RecurrentGrad, _: Extents, _: &Lowering<'_>) -> Option<Strategy> {
    None
}
