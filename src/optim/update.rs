//! Optimisers as graph builders.

use crate::graph::{Bank, BankId, Graph, GraphError, Init, NodeId};
use crate::ops::update::{self, RATES};

/// Stochastic gradient descent; formulas at [`update::Sgd`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sgd {
    /// What part of the velocity stays, in `[0, 1)`; at 0 there is no velocity.
    pub momentum: f32,
    /// Whether the step looks ahead; wants momentum.
    pub nesterov: bool,
    /// What part of a parameter is added to its gradient.
    pub weight_decay: f32,
}

/// Adam or AdamW; formulas at [`update::Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// What part of the first moment stays, in `[0, 1)`; in f64 for what it leaves of 1.
    pub beta1: f64,
    /// What part of the second moment stays, in `[0, 1)`.
    pub beta2: f64,
    /// What keeps the divisor from zero.
    pub eps: f32,
    /// The pull towards zero.
    pub weight_decay: f32,
    /// Whether weight decay shrinks the parameter (AdamW) instead of being added to the gradient (Adam).
    pub decoupled: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decoupled: false }
    }
}

impl Adam {
    /// AdamW with this weight decay and PyTorch's other defaults.
    pub fn decoupled(weight_decay: f32) -> Self {
        Self { weight_decay, decoupled: true, ..Self::default() }
    }
}

/// How parameters follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adam or AdamW.
    Adam(Adam),
}

impl Optimizer {
    /// The names of the state it keeps: banks of these names mirror those of the parameters, and a parameter's state is
    /// called `momentum.conv1.weight`.
    pub fn state(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(sgd) if sgd.momentum > 0.0 => &["momentum"],
            Self::Sgd(_) => &[],
            Self::Adam(_) => &["moment1", "moment2"],
        }
    }

    /// Adds state variables and the step's effects to `graph`.
    ///
    /// `gradients` pairs every bank of parameters, in the order of [`Graph::banks_named`], with its packed gradient:
    /// f32 of the bank's length, zero in its gaps. `rates` is an f32 `[4]` input, for [`Optimizer::rates`]. `factor`, if
    /// any, is an f32 `[]` node that multiplies all gradients, such as [`Graph::clip_factor`]. All parameters must be
    /// there before the call.
    ///
    /// # Errors
    /// When a setting is out of its range, the types do not fit, or the graph already has an optimiser's state.
    pub fn build(
        &self,
        graph: &mut Graph,
        gradients: &[(BankId, NodeId)],
        rates: NodeId,
        factor: Option<NodeId>,
    ) -> Result<(), GraphError> {
        self.check().map_err(|why| graph.error("optimizer", &[rates], &why))?;
        let banks: Vec<BankId> = gradients.iter().map(|(bank, _)| *bank).collect();
        let states = self.state().iter().map(|name| mirror(graph, &banks, name)).collect::<Result<Vec<_>, _>>()?;
        for (i, &(bank, gradient)) in gradients.iter().enumerate() {
            let mut inputs = vec![graph.bank(bank)];
            for state in &states {
                inputs.push(graph.bank(state[i]));
            }
            inputs.extend([gradient, rates]);
            inputs.extend(factor);
            self.step(graph, factor.is_some(), &inputs)?;
        }
        Ok(())
    }

    /// What the host writes to the rates input before step `step`, counted from 0, at this learning rate.
    pub fn rates(&self, learning_rate: f64, step: u64) -> [f32; RATES] {
        let [c1, c2] = match self {
            Self::Sgd(_) => [1.0, 1.0],
            Self::Adam(adam) => {
                // Past some thousand steps a power is 0 and the correction 1: saturating loses nothing.
                let t = i32::try_from(step.saturating_add(1)).unwrap_or(i32::MAX);
                [adam.beta1, adam.beta2].map(|beta| 1.0 - beta.powi(t))
            }
        };
        [learning_rate, 1.0, c1, c2].map(|value| value as f32)
    }

    fn step(&self, graph: &mut Graph, scaled: bool, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        match *self {
            Self::Sgd(Sgd { momentum, nesterov, weight_decay }) => {
                graph.apply(update::Sgd { momentum, nesterov, weight_decay, scaled }, inputs)
            }
            Self::Adam(Adam { beta1, beta2, eps, weight_decay, decoupled }) => {
                graph.apply(update::Adam { beta1, beta2, eps, weight_decay, decoupled, scaled }, inputs)
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: f64, end: f64| {
            if (0.0..end).contains(&value) { Ok(()) } else { Err(format!("{name} is {value}, not in [0, {end})")) }
        };
        match self {
            Self::Sgd(sgd) => {
                within("momentum", sgd.momentum.into(), 1.0)?;
                within("weight decay", sgd.weight_decay.into(), f64::INFINITY)?;
                if sgd.nesterov && sgd.momentum == 0.0 {
                    return Err("Nesterov wants momentum".to_owned());
                }
            }
            Self::Adam(adam) => {
                within("beta1", adam.beta1, 1.0)?;
                within("beta2", adam.beta2, 1.0)?;
                within("eps", adam.eps.into(), f64::INFINITY)?;
                within("weight decay", adam.weight_decay.into(), f64::INFINITY)?;
            }
        }
        Ok(())
    }
}

/// Adds a zero variable for each variable of `banks`, at the same place in a bank called `name` (or `name.1`, …).
fn mirror(graph: &mut Graph, banks: &[BankId], name: &str) -> Result<Vec<BankId>, GraphError> {
    if !graph.banks_named(name).is_empty() {
        return Err(graph.error("optimizer", &[], &format!("the graph already has a bank called {name}")));
    }
    let mirrored: Vec<_> = graph.variables().iter().filter(|v| banks.contains(&v.bank)).cloned().collect();
    for variable in &mirrored {
        graph.variable(name, &format!("{name}.{}", variable.name), variable.ty.clone(), Init::Fill(0.0));
    }
    let mirrors = graph.banks_named(name);
    let len = |&id: &BankId| graph.banks()[id.0 as usize].len;
    // Both families were filled in one order by one rule, so their variables lie at the same places.
    if mirrors.iter().map(len).eq(banks.iter().map(len)) {
        Ok(mirrors)
    } else {
        let why = format!("the banks given are not all of one family, in order, of at most {} elements", Bank::MAX_LEN);
        Err(graph.error("optimizer", &[], &why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Feeds, Kind, evaluate, verify};
    use crate::tensor::{Array, TensorType};

    #[test]
    fn state_mirrors_the_parameters() {
        let mut graph = Graph::new();
        graph.variable("parameters", "a", TensorType::f32([3]), Init::Fill(1.0));
        graph.variable("buffers", "running", TensorType::f32([7]), Init::Fill(1.0));
        graph.variable("parameters", "b", TensorType::f32([2, 2]), Init::Fill(1.0));
        let bank = graph.banks_named("parameters")[0];
        let gradient = graph.input("gradient", TensorType::f32([68]));
        let rates = graph.input("rates", TensorType::f32([RATES]));
        let optimizer = Optimizer::Adam(Adam::default());
        optimizer.build(&mut graph, &[(bank, gradient)], rates, None).unwrap();
        verify(&graph).unwrap();
        for name in optimizer.state() {
            let find = |name: &str| graph.variables().iter().find(|v| v.name == name).unwrap();
            let (b, state) = (find("b"), find(&format!("{name}.b")));
            assert_eq!((b.offset, &b.ty), (state.offset, &state.ty));
        }
        assert!(optimizer.build(&mut graph, &[(bank, gradient)], rates, None).is_err(), "a second optimiser");
        assert_eq!(graph.effects().len(), 1);
    }

    #[test]
    fn a_clipped_step() {
        let mut graph = Graph::new();
        graph.variable("parameters", "a", TensorType::f32([2]), Init::Fill(1.0));
        let bank = graph.banks_named("parameters")[0];
        let gradient = graph.input("gradient", TensorType::f32([2]));
        let rates = graph.input("rates", TensorType::f32([RATES]));
        let factor = graph.clip_factor(&[gradient], 1.0).unwrap();
        let optimizer = Optimizer::Sgd(Sgd::default());
        optimizer.build(&mut graph, &[(bank, gradient)], rates, Some(factor)).unwrap();
        let parameters = graph.ids().find(|&id| matches!(graph.node(id).kind, Kind::Bank(_))).unwrap();
        let variable = graph.ids().find(|&id| matches!(graph.node(id).kind, Kind::Variable(_))).unwrap();
        let host = optimizer.rates(0.5, 0).map(f64::from).to_vec();
        let mut feeds = Feeds::from([
            (parameters, Array::new([2], vec![1.0, 1.0])),
            (variable, Array::new([2], vec![1.0, 1.0])),
            (gradient, Array::new([2], vec![3.0, -4.0])),
            (rates, Array::new([RATES], host)),
        ]);
        evaluate(&graph, &mut feeds);
        for (value, expected) in feeds[&parameters].values.iter().zip([0.7, 1.4]) {
            assert!((value - expected).abs() < 1e-6, "{value}");
        }
    }

    #[test]
    fn bad_settings_are_refused() {
        let sgd = |momentum, nesterov| Optimizer::Sgd(Sgd { momentum, nesterov, weight_decay: 0.0 });
        assert!(sgd(0.9, true).check().is_ok());
        assert!(sgd(0.0, true).check().is_err());
        assert!(sgd(1.0, false).check().is_err());
        assert!(Optimizer::Adam(Adam { beta2: f64::NAN, ..Adam::default() }).check().is_err());
    }

    #[test]
    fn bias_corrections() {
        let optimizer = Optimizer::Adam(Adam::default());
        assert_eq!(optimizer.rates(0.1, 0), [0.1, 1.0, 0.1, 0.001]);
        assert_eq!(optimizer.rates(0.1, u64::MAX)[2..], [1.0, 1.0]);
    }
}
