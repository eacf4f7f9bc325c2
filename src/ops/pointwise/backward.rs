//! Derivatives of the table's functions, as graph nodes.

use crate::graph::{Function, Gradients, Graph, GraphError, NodeId, Vjp};

/// The gradients before they are summed to their operands' shapes.
pub(super) fn gradients(function: &Function, g: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
    let (d, y) = (io.d_output, io.output);
    let operand = |i: usize| io.inputs[i];
    let x = operand(0);
    // Constant factors that no gradient reaches.
    let scaled = |g: &mut Graph, factor: f32, by: NodeId| {
        let factor = g.scalar(factor);
        g.mul(by, factor)
    };
    let one = |dx: NodeId| Ok(vec![Some(dx)]);
    match function.name {
        "to_f16" => one(d),
        "add" => Ok(vec![Some(d), Some(d)]),
        "sub" => Ok(vec![Some(d), wanted(io, 1, || g.neg(d))?]),
        "mul" => {
            let da = wanted(io, 0, || g.mul(d, operand(1)))?;
            Ok(vec![da, wanted(io, 1, || g.mul(d, operand(0)))?])
        }
        "div" => {
            let da = g.div(d, operand(1))?;
            let db = wanted(io, 1, || {
                let ratio = g.mul(da, y)?;
                g.neg(ratio)
            })?;
            Ok(vec![Some(da), db])
        }
        "maximum" | "minimum" => {
            let (a, b) = (operand(0), operand(1));
            let other = if function.name == "maximum" { g.greater(b, a)? } else { g.greater(a, b)? };
            let zero = g.scalar(0.0);
            let da = g.select_by(other, zero, d)?;
            Ok(vec![Some(da), Some(g.select_by(other, d, zero)?)])
        }
        "power" => {
            let (a, b) = (operand(0), operand(1));
            let dy = g.mul(d, y)?;
            let da = wanted(io, 0, || {
                let slope = g.mul(dy, b)?;
                g.div(slope, a)
            })?;
            let db = wanted(io, 1, || {
                let log = g.log(a)?;
                g.mul(dy, log)
            })?;
            Ok(vec![da, db])
        }
        "equal" | "greater" => Ok(vec![None, None]),
        "select_by" => {
            let zero = g.scalar(0.0);
            let da = g.select_by(x, d, zero)?;
            Ok(vec![None, Some(da), Some(g.select_by(x, zero, d)?)])
        }
        "neg" => one(g.neg(d)?),
        "abs" => {
            let sign = g.sign(x)?;
            one(g.mul(d, sign)?)
        }
        "sign" => Ok(vec![None]),
        "exp" => one(g.mul(d, y)?),
        "log" => one(g.div(d, x)?),
        "sqrt" => {
            let half = scaled(g, 0.5, d)?;
            one(g.div(half, y)?)
        }
        "rsqrt" => {
            let cube = g.div(y, x)?;
            let slope = scaled(g, -0.5, cube)?;
            one(g.mul(d, slope)?)
        }
        "square" => {
            let slope = scaled(g, 2.0, x)?;
            one(g.mul(d, slope)?)
        }
        "reciprocal" => {
            let square = g.square(y)?;
            let slope = g.neg(square)?;
            one(g.mul(d, slope)?)
        }
        "sin" => {
            let slope = g.cos(x)?;
            one(g.mul(d, slope)?)
        }
        "cos" => {
            let sine = g.sin(x)?;
            let slope = g.neg(sine)?;
            one(g.mul(d, slope)?)
        }
        "relu" => one(g.relu_grad(d, y)?),
        "leaky_relu" => Ok(vec![Some(g.leaky_relu_grad(d, y, operand(1))?), None]),
        "elu" => Ok(vec![Some(g.elu_grad(d, y, operand(1))?), None]),
        "gelu" => one(g.gelu_grad(d, x)?),
        "gelu_tanh" => one(g.gelu_tanh_grad(d, x)?),
        "silu" => one(g.silu_grad(d, x)?),
        "sigmoid" => one(g.sigmoid_grad(d, y)?),
        "tanh" => one(g.tanh_grad(d, y)?),
        "softplus" => {
            let slope = g.sigmoid(x)?;
            one(g.mul(d, slope)?)
        }
        _ => io.undefined(g),
    }
}

fn wanted(
    io: &Vjp<'_>,
    input: usize,
    make: impl FnOnce() -> Result<NodeId, GraphError>,
) -> Result<Option<NodeId>, GraphError> {
    if io.wanted[input] { make().map(Some) } else { Ok(None) }
}
