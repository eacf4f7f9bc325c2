//! A small convolutional classifier.

use crate::nn::{Activation, Conv2d, Flatten, Linear, MaxPool2d, Sequential};

/// Three 3×3 convolutions of 32, 64 and 128 channels, each with ReLU and 2×2 max pooling, then a hidden layer of 256.
/// Parameters `conv1.weight` to `fc2.bias`. Images need 8 rows and columns.
pub fn cnn(classes: usize) -> Sequential {
    let mut layers = Sequential::new();
    for (i, channels) in [(1, 32), (2, 64), (3, 128)] {
        layers = layers
            .with(format!("conv{i}"), Conv2d::new(channels, [3, 3]).padding([1; 4]))
            .with(format!("relu{i}"), Activation::Relu)
            .with(format!("pool{i}"), MaxPool2d::new([2, 2]));
    }
    layers
        .with("flatten", Flatten)
        .with("fc1", Linear::new(256))
        .with("relu4", Activation::Relu)
        .with("fc2", Linear::new(classes))
}
