//! What a training run was asked to do: the flags with their defaults, as `config.toml` keeps them.

use serde::{Deserialize, Serialize};

use crate::args::{Augment, Model, Optimizer, Precision, Schedule, Train};
use crate::error::usage;
use crate::task::Kind;

/// The settings of a run. Together with the data they decide every bit of it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The data set's name, or its folder.
    pub data: String,
    /// The network.
    pub model: Model,
    /// Passes over the training images.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// Only so many of the training images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The highest learning rate.
    pub lr: f32,
    /// How the learning rate goes.
    pub schedule: Schedule,
    /// How weights are updated.
    pub optimizer: Optimizer,
    /// Momentum; sgd alone uses it.
    pub momentum: f32,
    /// Weight decay.
    pub weight_decay: f32,
    /// Gradients are scaled down to this norm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
    /// Share of each label spread over all classes.
    pub label_smoothing: f32,
    /// What products are computed in.
    #[serde(default)]
    pub precision: Precision,
    /// The seed of everything random.
    pub seed: u32,
    /// How training images are varied.
    pub augment: Vec<Augment>,
    /// Units of a recurrent layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<u32>,
    /// Recurrent layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<u32>,
    /// What is dropped between recurrent layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f32>,
    /// Characters of a text a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unroll: Option<u32>,
}

impl Config {
    /// The settings that flags ask for, on the data set `data`.
    #[must_use]
    pub fn new(flags: &Train, data: String) -> Self {
        let kind = Kind::of_data(&data).unwrap_or(Kind::Images);
        let model = flags.model.unwrap_or(kind.default_model());
        let kind = Kind::of(model);
        let (recurrent, of_trees) = (kind.is_recurrent(), kind == Kind::Trees);
        let usual = match kind {
            Kind::Images => Optimizer::Sgd,
            Kind::Text | Kind::Series => Optimizer::Adam,
            Kind::Trees => Optimizer::AdamW,
        };
        let optimizer = flags.optimizer.unwrap_or(usual);
        let (lr, weight_decay) = match optimizer {
            Optimizer::AdamW if of_trees => (2e-3, 0.05),
            Optimizer::Sgd => (0.03, 5e-4),
            Optimizer::Adam if recurrent => (4e-3, 0.0),
            Optimizer::Adam => (1e-3, 0.0),
            Optimizer::AdamW => (1e-3, 1e-2),
        };
        let (hidden, dropout) = if kind == Kind::Text { (256, 0.0) } else { (64, 0.2) };
        let mut augment = flags.augment.clone().unwrap_or_default();
        augment.dedup();
        Self {
            data,
            model,
            epochs: flags.epochs.unwrap_or(match kind {
                Kind::Images | Kind::Text => 10,
                Kind::Series => 40,
                Kind::Trees => 5,
            }),
            batch: flags.batch.unwrap_or(match kind {
                Kind::Images => 64,
                Kind::Text | Kind::Series => 32,
                Kind::Trees => 25,
            }),
            limit: flags.limit,
            lr: flags.lr.unwrap_or(lr),
            schedule: flags.schedule.unwrap_or(Schedule::OneCycle),
            optimizer,
            momentum: flags.momentum.unwrap_or(0.9),
            weight_decay: flags.weight_decay.unwrap_or(weight_decay),
            clip_norm: flags.clip_norm.or(recurrent.then_some(1.0)),
            label_smoothing: flags.label_smoothing.unwrap_or(0.0),
            precision: flags.precision.unwrap_or_default(),
            seed: flags.seed.unwrap_or(0),
            augment,
            hidden: flags.hidden.or(recurrent.then_some(hidden)),
            layers: flags.layers.or(recurrent.then_some(1)),
            dropout: flags.dropout.or(recurrent.then_some(dropout)),
            unroll: flags.unroll.or((kind == Kind::Text).then_some(64)),
        }
    }

    /// Whether all flags suit what is trained.
    ///
    /// # Errors
    /// A usage error that names the first that does not.
    pub fn check(&self) -> anyhow::Result<()> {
        let kind = Kind::of(self.model);
        let recurrent = kind.is_recurrent();
        for (flag, given, suits) in [
            ("augment", !self.augment.is_empty(), kind == Kind::Images),
            ("hidden", self.hidden.is_some(), recurrent),
            ("layers", self.layers.is_some(), recurrent),
            ("dropout", self.dropout.is_some(), recurrent),
            ("unroll", self.unroll.is_some(), kind == Kind::Text),
        ] {
            if given && !suits {
                return usage(format!("--{flag} is not for {}", crate::args::name_of(self.model)));
            }
        }
        Ok(())
    }

    /// The settings a stopped run goes on with. Of the flags only `--epochs` may differ from what
    /// the run was started with.
    ///
    /// # Errors
    /// A usage error that names the first flag that differs, and both values.
    pub fn resumed(self, flags: &Train) -> anyhow::Result<Self> {
        let asked = Self {
            data: flags.data.clone().unwrap_or_else(|| self.data.clone()),
            model: flags.model.unwrap_or(self.model),
            epochs: flags.epochs.unwrap_or(self.epochs),
            batch: flags.batch.unwrap_or(self.batch),
            limit: flags.limit.or(self.limit),
            lr: flags.lr.unwrap_or(self.lr),
            schedule: flags.schedule.unwrap_or(self.schedule),
            optimizer: flags.optimizer.unwrap_or(self.optimizer),
            momentum: flags.momentum.unwrap_or(self.momentum),
            weight_decay: flags.weight_decay.unwrap_or(self.weight_decay),
            clip_norm: flags.clip_norm.or(self.clip_norm),
            label_smoothing: flags.label_smoothing.unwrap_or(self.label_smoothing),
            precision: flags.precision.unwrap_or(self.precision),
            seed: flags.seed.unwrap_or(self.seed),
            augment: flags.augment.clone().unwrap_or_else(|| self.augment.clone()),
            hidden: flags.hidden.or(self.hidden),
            layers: flags.layers.or(self.layers),
            dropout: flags.dropout.or(self.dropout),
            unroll: flags.unroll.or(self.unroll),
        };
        // Compared as the file writes them, which names each field.
        let fields = |config: &Self| toml::Table::try_from(config);
        let (old, new) = (fields(&self)?, fields(&asked)?);
        let differs = new.iter().find(|(name, value)| *name != "epochs" && old.get(*name) != Some(value));
        if let Some((name, value)) = differs {
            let flag = name.replace('_', "-");
            let was = old.get(name).map_or("not given".to_owned(), ToString::to_string);
            return usage(format!(
                "--{flag} is {value}, but the run to go on with has {was}; leave the flag out, or \
                 start another run"
            ));
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_follow_the_optimizer() {
        let flags = Train { optimizer: Some(Optimizer::AdamW), ..Train::default() };
        let config = Config::new(&flags, "cifar10".into());
        assert_eq!((config.lr, config.weight_decay), (1e-3, 1e-2));
        assert_eq!(config.model, Model::Cnn);
    }

    #[test]
    fn the_file_keeps_every_setting() {
        let flags = Train {
            clip_norm: Some(1.5),
            lr: Some(0.07),
            seed: Some(u32::MAX),
            augment: Some(vec![Augment::Flip]),
            ..Train::default()
        };
        let config = Config::new(&flags, "synthetic".into());
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config, "{text}");
        for line in ["optimizer = \"sgd\"", "lr = 0.07\n"] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn resuming_takes_more_epochs_and_nothing_else() {
        let config = Config::new(&Train::default(), "cifar10".into());
        let more = Train { epochs: Some(20), batch: Some(config.batch), ..Train::default() };
        assert_eq!(config.clone().resumed(&more).unwrap().epochs, 20);
        let other = Train { weight_decay: Some(0.5), ..Train::default() };
        let error = config.resumed(&other).unwrap_err().to_string();
        assert!(error.starts_with("--weight-decay is 0.5, but"), "{error}");
    }
}
