//! Fully connected classifiers.

use crate::nn::{Activation, Flatten, Linear, Sequential};

/// One linear layer over the pixels: softmax regression. Parameters `fc.weight`, `fc.bias`.
pub fn linear(classes: usize) -> Sequential {
    Sequential::new().with("flatten", Flatten).with("fc", Linear::new(classes))
}

/// Two hidden layers of 512 and 256 with ReLU. Parameters `fc1.weight` to `fc3.bias`.
pub fn mlp(classes: usize) -> Sequential {
    Sequential::new()
        .with("flatten", Flatten)
        .with("fc1", Linear::new(512))
        .with("relu1", Activation::Relu)
        .with("fc2", Linear::new(256))
        .with("relu2", Activation::Relu)
        .with("fc3", Linear::new(classes))
}
