//! A text as a [`Task`].

use std::sync::Arc;

use super::super::task::{Outcome, Setup, Step, Steps, Task};
use crate::Error;
use crate::data::{DataError, Position, Split, TextSet};
use crate::graph::GraphError;
use crate::nn::Net;
use crate::nn::models::CharModel;
use crate::ops::cross_entropy::IGNORED;
use crate::tensor::random::Random;
use crate::tensor::{HostTensor, TensorType};

/// Learning to tell the next character of a text.
///
/// The text is cut into as many stretches as a batch has, which are read side by side, `unroll` characters a step. A step
/// begins with the states the step before it ended with: what it learns goes back to its own first character and no
/// further (truncated back-propagation through time; Williams and Peng, 1990). Stretches begin with a state of zeros. Each
/// epoch leaves out up to `unroll` characters at the beginning, so that the cuts fall elsewhere.
#[derive(Clone, Debug)]
pub struct TextTask {
    model: CharModel,
    text: Arc<TextSet>,
    unroll: usize,
}

impl TextTask {
    /// `model` is to learn from `text`, `unroll` characters a step.
    pub fn new(model: CharModel, text: Arc<TextSet>, unroll: usize) -> Self {
        Self { model, text, unroll: unroll.max(1) }
    }

    fn part(&self, split: Split) -> &[u32] {
        match split {
            Split::Train => &self.text.train,
            Split::Test => &self.text.test,
        }
    }

    /// Characters of a stretch, each with one that follows it, and steps to read them. In training only whole steps
    /// count, and there is room for another beginning; a test reads everything but what does not make a stretch.
    fn stretches(&self, setup: &Setup<'_>) -> Result<(usize, u32), Error> {
        let characters = self.part(setup.split).len() - 1;
        let lanes = lanes(setup);
        let (length, steps) = match setup.split {
            Split::Train => {
                let steps = characters.saturating_sub(self.unroll - 1) / lanes / self.unroll;
                (steps * self.unroll, steps)
            }
            Split::Test => (characters / lanes, (characters / lanes).div_ceil(self.unroll)),
        };
        if length == 0 {
            let problem = format!(
                "{lanes} stretches of {} characters a step are more than the {} that the text has",
                self.unroll,
                characters + 1
            );
            return Err(DataError::Argument { what: "batch", problem }.into());
        }
        // A text is shorter than 2³² characters times the length of a step.
        Ok((length, steps as u32))
    }
}

/// Stretches side by side: those of training also in a test, since they share their states.
fn lanes(setup: &Setup<'_>) -> usize {
    setup.options.hyper.batch
}

impl Task for TextTask {
    fn unit(&self) -> &'static str {
        "characters"
    }

    fn build(&self, net: &mut Net<'_>, setup: &Setup<'_>, _: u32) -> Result<Outcome, GraphError> {
        let (lanes, rows) = (lanes(setup), lanes(setup) * self.unroll);
        let numbers = net.graph().input("characters", TensorType::u32([rows]));
        let labels = net.graph().input("next", TensorType::u32([rows]));
        let goes_on = net.graph().input("goes_on", TensorType::f32([]));
        let variables = self.model.state(net, lanes)?;
        let mut initial = variables.clone();
        for states in &mut initial {
            states.h = net.graph().mul(states.h, goes_on)?;
            states.c = states.c.map(|c| net.graph().mul(c, goes_on)).transpose()?;
        }
        let (logits, last) = self.model.build(net, numbers, lanes, initial)?;
        let graph = net.graph();
        for (variable, last) in variables.iter().zip(&last) {
            graph.assign(variable.h, last.h)?;
            if let (Some(variable), Some(last)) = (variable.c, last.c) {
                graph.assign(variable, last)?;
            }
        }
        let smoothing = match setup.split {
            Split::Train => setup.options.hyper.label_smoothing,
            Split::Test => 0.0,
        };
        Outcome::of_classes(graph, logits, labels, smoothing)
    }

    fn step_count(&self, setup: &Setup<'_>) -> Result<u32, Error> {
        self.stretches(setup).map(|(_, steps)| steps)
    }

    fn steps(&self, setup: &Setup<'_>, from: Position) -> Result<Steps, Error> {
        let (length, steps) = self.stretches(setup)?;
        let (split, lanes, unroll, text) = (setup.split, lanes(setup), self.unroll, Arc::clone(&self.text));
        let seed = setup.options.seed;
        let epochs = match split {
            Split::Train => setup.options.epochs,
            Split::Test => 1,
        };
        let positions = (from.epoch..epochs).flat_map(move |epoch| {
            let first = if epoch == from.epoch { from.step } else { 0 };
            (first..steps).map(move |step| (epoch, step))
        });
        let made = positions.map(move |(epoch, step)| {
            let (part, begin) = match split {
                Split::Train => {
                    let begin = Random::new(seed, epoch, crate::data::stream::TEXT).below(unroll as u32);
                    (&text.train, begin as usize)
                }
                Split::Test => (&text.test, 0),
            };
            Ok(cut(part, begin, length, [step as usize, unroll, lanes]))
        });
        Ok(Box::new(made))
    }
}

/// The inputs of a step: characters and the ones that follow them, `[unroll, lanes]`. Behind a stretch's end there is
/// nothing to tell.
fn cut(part: &[u32], begin: usize, length: usize, [step, unroll, lanes]: [usize; 3]) -> Step {
    let rows = unroll * lanes;
    let (mut characters, mut next) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for t in step * unroll..(step + 1) * unroll {
        for lane in 0..lanes {
            let at = begin + lane * length + t;
            let there = t < length;
            characters.push(if there { part[at] } else { IGNORED });
            next.push(if there { part[at + 1] } else { IGNORED });
        }
    }
    let goes_on = HostTensor::full([], f32::from(u8::from(step > 0)));
    let mut inputs = vec![("goes_on", goes_on)];
    // Both have as many elements as the shape says.
    inputs.extend(HostTensor::u32([rows], characters).map(|value| ("characters", value)));
    inputs.extend(HostTensor::u32([rows], next).map(|value| ("next", value)));
    Step { program: 0, inputs }
}
