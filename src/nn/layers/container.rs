//! Layers made of layers.

use crate::graph::{GraphError, NodeId};
use crate::nn::{Layer, Net};

/// `[N, …]` → `[N, everything else]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flatten;

impl Layer for Flatten {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        net.graph().flatten(x)
    }
}

/// Named layers, one after another. A layer's name is a part of its parameters' names.
#[derive(Debug, Default)]
pub struct Sequential {
    layers: Vec<(String, Box<dyn Layer>)>,
}

impl Sequential {
    /// No layers: its output is its input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer at the end.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, layer: impl Layer + 'static) -> Self {
        self.layers.push((name.into(), Box::new(layer)));
        self
    }

    /// The layers and their names, in order.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &dyn Layer)> {
        self.layers.iter().map(|(name, layer)| (name.as_str(), layer.as_ref()))
    }
}

impl Layer for Sequential {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let mut order: Vec<_> = self.layers().collect();
        for i in 1..order.len() {
            // Of what never decreases, the largest element is that of the largest: of a quarter as many elements.
            if order[i - 1].1.is_monotone() && order[i].1.is_max_pool() {
                order.swap(i - 1, i);
            }
        }
        let (mut x, mut left_out) = (x, None);
        for (i, (name, layer)) in order.iter().enumerate() {
            // So with what is added to a whole channel.
            x = if order.get(i + 1).is_some_and(|(_, next)| next.is_max_pool()) {
                let (y, bias) = net.scoped(name, |net| layer.build_without_bias(net, x))?;
                left_out = left_out.or(bias);
                y
            } else {
                net.scoped(name, |net| layer.build(net, x))?
            };
            if layer.is_max_pool()
                && let Some(bias) = left_out.take()
            {
                x = net.scoped(name, |net| {
                    let channels = net.shape(bias).iter().product();
                    let bias = net.graph().reshape(bias, [channels, 1, 1])?;
                    net.graph().add(x, bias)
                })?;
            }
        }
        Ok(x)
    }
}

/// x + layer(x), for a layer that keeps the shape (He et al., *Deep Residual Learning for Image Recognition*, 2015).
#[derive(Debug)]
pub struct Residual(Box<dyn Layer>);

impl Residual {
    /// Around `layer`.
    pub fn new(layer: impl Layer + 'static) -> Self {
        Self(Box::new(layer))
    }
}

impl Layer for Residual {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let y = self.0.build(net, x)?;
        // Broadcasting would hide a mistake here.
        if net.shape(x) != net.shape(y) {
            return Err(net.error("residual", &[x, y], "a residual must keep its input's shape"));
        }
        net.graph().add(x, y)
    }
}
