//! What a built network consists of, layer by layer.

use std::fmt;

use super::PARAMETERS;
use crate::graph::{Graph, Kind, NodeId, OpTypes};
use crate::tensor::TensorType;

/// A layer of a built graph.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRow {
    /// Its path, such as `layer1.conv`; empty for what lies in no layer.
    pub path: String,
    /// Its ops, in order.
    pub ops: Vec<&'static str>,
    /// Its output.
    pub output: TensorType,
    /// Elements of its parameters; running statistics are none.
    pub parameter_count: usize,
    /// Floating-point operations of one evaluation at the graph's batch size, a multiply-add counting two.
    pub flops: u64,
}

/// The layers of a graph, in the order of their last op.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One row a path that has an op.
    pub layers: Vec<LayerRow>,
}

/// The layers that `output` of `graph` depends on.
pub fn summary(graph: &Graph, output: NodeId) -> Summary {
    let mut needed = vec![false; output.0 as usize + 1];
    needed[output.0 as usize] = true;
    for index in (0..needed.len()).rev() {
        if needed[index] {
            graph.nodes()[index].inputs.iter().for_each(|input| needed[input.0 as usize] = true);
        }
    }
    let banks = graph.banks_named(PARAMETERS);
    let mut rows: Vec<LayerRow> = Vec::new();
    let mut parameters: Vec<(&str, usize)> = Vec::new();
    for node in graph.nodes().iter().zip(needed).filter(|(_, needed)| *needed).map(|(node, _)| node) {
        match &node.kind {
            Kind::Variable(id) if banks.contains(&graph.variables()[id.0 as usize].bank) => {
                parameters.push((&node.path, node.ty.count()));
            }
            Kind::Op(op) => {
                let inputs: Vec<TensorType> = node.inputs.iter().map(|&input| graph.ty(input).clone()).collect();
                let flops = op.flops(&OpTypes { inputs: &inputs, output: &node.ty });
                // A layer around others comes again when they are done.
                let mut row = match rows.iter().position(|row| row.path == node.path) {
                    Some(at) => rows.remove(at),
                    None => LayerRow {
                        path: node.path.clone(),
                        ops: Vec::new(),
                        output: node.ty.clone(),
                        parameter_count: 0,
                        flops: 0,
                    },
                };
                row.ops.push(op.name());
                row.output = node.ty.clone();
                row.flops += flops;
                rows.push(row);
            }
            _ => {}
        }
    }
    for row in &mut rows {
        row.parameter_count = parameters.iter().filter(|(path, _)| *path == row.path).map(|(_, count)| count).sum();
    }
    Summary { layers: rows }
}

impl Summary {
    /// Elements of all parameters.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameter_count).sum()
    }

    /// Floating-point operations of one evaluation.
    pub fn flops(&self) -> u64 {
        self.layers.iter().map(|layer| layer.flops).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.layers.iter().map(|layer| layer.path.len()).max().unwrap_or(0).max("layer".len());
        writeln!(f, "{:width$}  {:20}  {:>12}  {:>10}", "layer", "output", "parameters", "MFLOP")?;
        let mut line = |path: &str, output: &str, parameters: usize, flops: u64| {
            writeln!(f, "{path:width$}  {output:20}  {parameters:>12}  {:>10.3}", flops as f64 / 1e6)
        };
        for layer in &self.layers {
            line(&layer.path, &layer.output.shape.to_string(), layer.parameter_count, layer.flops)?;
        }
        line("total", "", self.parameter_count(), self.flops())
    }
}
