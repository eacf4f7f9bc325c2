//! Sequences on a graph.

use super::{Part, Recurrent, Role, Walk};
use crate::graph::{Graph, GraphError, NodeId};

/// A hidden state and, of an LSTM, a cell state, `[B, H]` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States {
    /// The hidden state.
    pub h: NodeId,
    /// The cell state, if there is one.
    pub c: Option<NodeId>,
}

/// What a walk over a sequence gives.
#[derive(Clone, Copy, Debug)]
pub struct Recurrence {
    /// The hidden states after all steps, `[T, B, H]`; where the mask is 0, that of the step before.
    pub hidden: NodeId,
    /// The states after the last step.
    pub last: States,
}

impl Graph {
    /// A recurrent cell over a sequence: x f32 `[T, B, G·H]`, the input's parts of the gates (all biases in it, but the
    /// recurrent one of a [`super::Cell::GruResetAfter`], which is `bias` `[G·H]`); the recurrent `weight` `[G·H, H]`; the
    /// initial states; and for a walk that is masked a `mask` f32 `[T, B]`, 0 for the steps that are not there.
    ///
    /// # Errors
    /// When the shapes do not fit, or what the walk's cell needs is missing.
    pub fn recurrent(
        &mut self,
        walk: Walk,
        x: NodeId,
        weight: NodeId,
        initial: States,
        bias: Option<NodeId>,
        mask: Option<NodeId>,
    ) -> Result<Recurrence, GraphError> {
        let mut inputs = vec![x, weight, initial.h];
        inputs.extend(initial.c.into_iter().chain(bias).chain(mask));
        let op = Recurrent(walk);
        let tape = self.apply(op, &inputs)?;
        let types: Vec<_> = inputs.iter().map(|&i| self.ty(i).clone()).collect();
        let e = op.extents(&types).map_err(|why| self.error("recurrent", &inputs, &why.0))?;
        let mut read = vec![tape];
        read.extend(&inputs);
        let offset = if walk.reverse { 0 } else { e.state() };
        let shape = [e.steps, e.batch, e.hidden].into();
        let hidden = self.apply(Part { walk, role: Role::Hidden, offset, shape }, &read)?;
        let end = if walk.reverse { 0 } else { e.steps - 1 };
        let h = self.slice(hidden, 0, end, end + 1)?;
        let h = self.reshape(h, [e.batch, e.hidden])?;
        let c = match initial.c {
            None => None,
            Some(_) => {
                let offset = walk.cell_states(e) + walk.last_state(e) * e.state();
                let shape = [e.batch, e.hidden].into();
                Some(self.apply(Part { walk, role: Role::LastCell, offset, shape }, &read)?)
            }
        };
        Ok(Recurrence { hidden, last: States { h, c } })
    }
}
