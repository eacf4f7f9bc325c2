//! The ResNet-9 of David Page, *How to Train Your ResNet*, 2018.

use crate::nn::{
    Activation, BatchNorm2d, Conv2d, Flatten, GlobalMaxPool, Linear, MaxPool2d, Residual, Scale, Sequential,
};

/// Convolutions of 64, 128, 256 and 512 channels with batch norm, the second and fourth followed by a residual of two
/// more; global max pooling and a linear head, its logits times 1/8. Parameters `prep.conv.weight` to `head.bias`.
/// Images need 8 rows and columns.
pub fn resnet9(classes: usize) -> Sequential {
    Sequential::new()
        .with("prep", conv_norm_relu(64))
        .with("layer1", halved(128).with("residual", residual(128)))
        .with("layer2", halved(256))
        .with("layer3", halved(512).with("residual", residual(512)))
        .with("pool", GlobalMaxPool)
        .with("flatten", Flatten)
        .with("head", Linear::new(classes))
        .with("scale", Scale(0.125))
}

fn conv_norm_relu(channels: usize) -> Sequential {
    Sequential::new()
        .with("conv", Conv2d::new(channels, [3, 3]).padding([1; 4]).bias(false))
        .with("norm", BatchNorm2d::new())
        .with("relu", Activation::Relu)
}

fn halved(channels: usize) -> Sequential {
    conv_norm_relu(channels).with("pool", MaxPool2d::new([2, 2]))
}

fn residual(channels: usize) -> Residual {
    Residual::new(Sequential::new().with("0", conv_norm_relu(channels)).with("1", conv_norm_relu(channels)))
}
