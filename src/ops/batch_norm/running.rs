//! The running statistics that evaluation normalises by.

use super::Planes;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Strategy, linear_grid, source};
use crate::tensor::{Array, TensorType};

/// An effect on the variables running mean and running variance (`[channels]` each), given a batch's statistics
/// `[2, channels]`: `running ← (1 − momentum) · running + momentum · batch`, with the unbiased variance.
#[derive(Clone, Debug, PartialEq)]
pub struct BnRunning {
    /// The weight of the new batch.
    pub momentum: f32,
    /// Elements of a channel in the batch; the biased variance times `count / (count − 1)` is the unbiased one.
    pub count: usize,
}

impl BnRunning {
    fn unbias(&self) -> f64 {
        self.count as f64 / self.count.saturating_sub(1).max(1) as f64
    }
}

impl Op for BnRunning {
    fn name(&self) -> &'static str {
        "bn_running"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [mean, variance, stats] = inputs else {
            return Err(ShapeError::new("takes running mean, running variance and statistics"));
        };
        let channels = mean.count();
        let planes = Planes { images: 1, channels, size: 1 };
        planes.expect(&[
            ("running mean", mean, planes.channel_type()),
            ("running variance", variance, planes.channel_type()),
            ("statistics", stats, planes.stats_type()),
        ])?;
        Ok(TensorType::f32([0]))
    }

    fn reference(&self, _: &[&Array]) -> Array {
        Array::zeros([0])
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        const WORKGROUP: usize = 64;
        let channels = l.inputs[0].count();
        let kernel = Kernel::new(source!("bn_running")).constant("WG", WORKGROUP);
        let call = KernelCall::new(kernel, linear_grid(channels.div_ceil(WORKGROUP), l.caps))
            .param("channels", channels)
            .param("momentum", self.momentum)
            .param("unbias", self.unbias() as f32)
            .bind_inputs(3);
        vec![Strategy::single("scalar", call)]
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[2].count() as u64 * 3
    }

    fn mutates(&self) -> &'static [usize] {
        &[0, 1]
    }

    fn mutate(&self, inputs: &mut [Array]) {
        let momentum = f64::from(self.momentum);
        let [mean, variance, stats] = inputs else { return };
        let (batch_mean, batch_variance) = stats.values.split_at(mean.values.len());
        for (running, batch) in mean.values.iter_mut().zip(batch_mean) {
            *running += momentum * (batch - *running);
        }
        for (running, batch) in variance.values.iter_mut().zip(batch_variance) {
            *running += momentum * (batch * self.unbias() - *running);
        }
    }
}
