//! Writing text, character by character, all on the device.

use std::collections::BTreeMap;
#[cfg(not(target_arch = "wasm32"))]
use std::collections::VecDeque;

use crate::Error;
use crate::gpu::Device;
use crate::graph::Graph;
use crate::nn::models::CharModel;
use crate::nn::{Net, STATE};
use crate::plan::{Plan, PlanOptions, Session, TensorReadback, Variables};
use crate::tensor::{HostTensor, TensorType};

/// How characters are drawn; see [`Graph::sample`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0: always the likeliest. 1: as likely as the model says. Above: bolder.
    pub temperature: f32,
    /// Only so many of the likeliest; 0: all.
    pub top_k: usize,
    /// The seed: the same one draws the same text.
    pub seed: u32,
}

/// A model of text that writes.
///
/// A step is one submit: it reads the last character and the states, which are variables on the device, draws the next
/// character and puts both back. The host may look on, but need not: what was drawn never leaves the device to come back.
pub struct Writer {
    session: Session,
    variables: Variables,
    seed: u32,
    step: u32,
}

/// The variable of the last character.
const CHARACTER: &str = "character";

impl Writer {
    /// Plans a step. The weights are those of no training until they are [restored](Writer::restore).
    ///
    /// # Errors
    /// When the temperature is negative, or the device refuses.
    pub fn new(device: &Device, model: &CharModel, sampling: Sampling, options: &PlanOptions) -> Result<Self, Error> {
        let mut graph = Graph::new();
        let clock = graph.input("clock", TensorType::u32([2]));
        let mut net = Net::eval(&mut graph);
        let states = model.state(&mut net, 1)?;
        let character = net.state(CHARACTER, &[1])?;
        let (logits, last) = model.build(&mut net, character, 1, states.clone())?;
        let drawn = graph.sample(logits, clock, sampling.temperature, sampling.top_k)?;
        let one = graph.scalar(1.0);
        let number = graph.mul(drawn, one)?;
        graph.assign(character, number)?;
        for (variable, last) in states.iter().zip(&last) {
            graph.assign(variable.h, last.h)?;
            if let (Some(variable), Some(last)) = (variable.c, last.c) {
                graph.assign(variable, last)?;
            }
        }
        let plan = Plan::for_device(&graph, &[("drawn", drawn)], device, options)?;
        let variables = Variables::new(device, &graph, 0)?;
        let session = Session::new(device, plan, &variables)?;
        Ok(Self { session, variables, seed: sampling.seed, step: 0 })
    }

    /// Takes the weights of a checkpoint, and begins anew: with states of zeros.
    ///
    /// # Errors
    /// When they are another model's; then nothing is changed.
    pub fn restore(&mut self, variables: &BTreeMap<String, HostTensor>) -> Result<(), Error> {
        let mut values = variables.clone();
        // Those of a checkpoint belong to the text it was trained on.
        let own = &self.session.plan().variables;
        for (_, variable) in own.iter().filter(|(bank, _)| bank == STATE) {
            values.insert(variable.name.clone(), HostTensor::full(variable.ty.shape.clone(), 0.0));
        }
        self.variables.restore(&values)?;
        self.step = 0;
        Ok(())
    }

    /// Reads characters, by number: what is drawn next follows the last of them.
    ///
    /// # Errors
    /// When the device was lost.
    pub fn read(&mut self, numbers: &[u32]) -> Result<(), Error> {
        for (i, &number) in numbers.iter().enumerate() {
            if i > 0 {
                self.submit()?;
            }
            self.variables.write(CHARACTER, &HostTensor::full([1], number as f32))?;
        }
        Ok(())
    }

    /// Draws the next character: its number, u32 `[1]`, is on its way to the host.
    ///
    /// # Errors
    /// When the device was lost.
    pub fn draw(&mut self) -> Result<TensorReadback, Error> {
        self.submit()?;
        self.session.read("drawn")
    }

    /// Draws `count` characters and hands on the number of each as it comes; blocks. Ends early when `show` returns false.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn write_blocking(&mut self, count: usize, mut show: impl FnMut(u32) -> bool) -> Result<(), Error> {
        /// Characters drawn ahead of the one that is shown: enough to keep the device busy.
        const AHEAD: usize = 4;
        let mut pending = VecDeque::new();
        let mut left = count;
        while left > 0 || !pending.is_empty() {
            if left > 0 {
                pending.push_back(self.draw()?);
                left -= 1;
            }
            if (pending.len() > AHEAD || left == 0)
                && let Some(oldest) = pending.pop_front()
            {
                let drawn = oldest.wait()?.to_array();
                if !drawn.values.first().is_some_and(|&number| show(number as u32)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn submit(&mut self) -> Result<(), Error> {
        self.session.write_u32("clock", &[self.seed, self.step])?;
        self.step += 1;
        self.session.submit_prologue();
        self.session.submit();
        Ok(())
    }
}
