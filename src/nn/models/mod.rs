//! Models. Image classifiers, by [`Model`]: x f32 `[N, C, H, W]` → logits `[N, classes]`. Of sequences: [`CharModel`] and
//! [`SeriesClassifier`]. Of the nodes of trees: [`TreeNet`].

mod cnn;
mod mlp;
mod resnet9;
mod sequence;
mod tree;

use super::Sequential;

pub use cnn::cnn;
pub use mlp::{linear, mlp};
pub use resnet9::resnet9;
pub use sequence::{CharModel, SeriesClassifier};
pub use tree::{TreeNet, TreeTables};

/// An image classifier, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// [`linear`].
    Linear,
    /// [`mlp`].
    Mlp,
    /// [`cnn`].
    Cnn,
    /// [`resnet9`].
    Resnet9,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Mlp, Self::Cnn, Self::Resnet9];

    /// Its name on the command line and in checkpoints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Mlp => "mlp",
            Self::Cnn => "cnn",
            Self::Resnet9 => "resnet9",
        }
    }

    /// The model of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// Its layers, for this many classes.
    pub fn layers(self, classes: usize) -> Sequential {
        match self {
            Self::Linear => linear(classes),
            Self::Mlp => mlp(classes),
            Self::Cnn => cnn(classes),
            Self::Resnet9 => resnet9(classes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, GraphError, NodeId, verify};
    use crate::nn::{Layer, Net, PARAMETERS, summary};
    use crate::tensor::TensorType;

    fn build(model: Model, image: [usize; 3], train: bool) -> Result<(Graph, NodeId), GraphError> {
        let mut graph = Graph::new();
        let x = graph.input("x", TensorType::f32([2, image[0], image[1], image[2]]));
        let clock = graph.input("clock", TensorType::u32([2]));
        let mut net = if train { Net::train(&mut graph, clock) } else { Net::eval(&mut graph) };
        let logits = model.layers(10).build(&mut net, x)?;
        Ok((graph, logits))
    }

    fn parameter_names(graph: &Graph) -> Vec<&str> {
        let banks = graph.banks_named(PARAMETERS);
        graph.variables().iter().filter(|v| banks.contains(&v.bank)).map(|v| v.name.as_str()).collect()
    }

    #[test]
    fn models_take_any_image_and_share_variables_between_modes() {
        for model in Model::ALL {
            for image in [[3, 32, 32], [1, 28, 28], [3, 8, 9]] {
                let (train, logits) = build(model, image, true).unwrap();
                assert_eq!(train.ty(logits), &TensorType::f32([2, 10]));
                assert_eq!(verify(&train), Ok(()));
                let (eval, _) = build(model, image, false).unwrap();
                assert_eq!(train.variables(), eval.variables());
            }
            assert_eq!(Model::named(model.name()), Some(model));
        }
    }

    #[test]
    fn every_parameter_has_a_gradient() {
        for model in Model::ALL {
            let (mut graph, logits) = build(model, [3, 16, 16], true).unwrap();
            let parameters = Net::variables_of(&graph, PARAMETERS);
            assert_eq!(parameters.len(), parameter_names(&graph).len());
            let gradients = crate::autodiff::gradients(&mut graph, logits, &parameters).unwrap();
            assert!(gradients.iter().all(Option::is_some));
            assert_eq!(verify(&graph), Ok(()));
        }
    }

    #[test]
    fn the_cnn_is_the_fixtures() {
        let (graph, logits) = build(Model::Cnn, [3, 32, 32], false).unwrap();
        let names =
            ["conv1", "conv2", "conv3", "fc1", "fc2"].map(|layer| [".weight", ".bias"].map(|p| layer.to_owned() + p));
        assert_eq!(parameter_names(&graph), names.concat());
        let summary = summary(&graph, logits);
        assert_eq!(summary.parameter_count(), 620_362);
        let conv2 = summary.layers.iter().find(|layer| layer.path == "conv2").unwrap();
        assert_eq!((&*conv2.output.shape, conv2.parameter_count), (&[2, 64, 16, 16][..], 18_496));
    }

    #[test]
    fn resnet9_is_the_fixtures() {
        let (graph, logits) = build(Model::Resnet9, [3, 32, 32], false).unwrap();
        let mut names = Vec::new();
        for block in [
            "prep",
            "layer1",
            "layer1.residual.0",
            "layer1.residual.1",
            "layer2",
            "layer3",
            "layer3.residual.0",
            "layer3.residual.1",
        ] {
            names.extend(["conv.weight", "norm.weight", "norm.bias"].map(|parameter| format!("{block}.{parameter}")));
        }
        names.extend(["head.weight".to_owned(), "head.bias".to_owned()]);
        assert_eq!(parameter_names(&graph), names);
        let summary = summary(&graph, logits);
        assert_eq!(summary.parameter_count(), 6_573_130);
        let residual = summary.layers.into_iter().find(|layer| layer.path == "layer3.residual").unwrap();
        assert_eq!((residual.ops, &*residual.output.shape), (vec!["add"], &[2, 512, 4, 4][..]));
    }

    #[test]
    fn an_image_too_small_names_the_layer() {
        let error = build(Model::Cnn, [3, 4, 4], false).unwrap_err().to_string();
        assert!(error.starts_with("pool3: max_pool2d"), "{error}");
    }
}
