//! Progress bars, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fetch::Stage;
use crate::metrics::Speed;
use crate::output::Output;

/// A style from a template written here; a template that does not parse is a fault of this file.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is valid").progress_chars("█▉▊▋▌▍▎▏ ")
}

/// A bar for people at a terminal; indicatif draws nothing where standard error is none.
fn bar(output: Output, length: Option<u64>, template: &str) -> ProgressBar {
    let target = if output.is_human() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    ProgressBar::with_draw_target(length, target).with_style(style(template))
}

/// The bar of one training epoch.
#[derive(Debug)]
pub struct TrainBar(ProgressBar);

/// What the bar shows beside the steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    /// Mean loss over the epoch so far, when the device has told.
    pub loss: Option<f32>,
    /// Share of right answers so far.
    pub accuracy: Option<f32>,
    /// Training speed, once there is one.
    pub speed: Option<Speed>,
}

impl Running {
    /// Of the sums that have come so far.
    #[must_use]
    pub fn new(sums: girih::train::Metrics, speed: Speed) -> Self {
        let told = sums.count > 0;
        Self {
            loss: told.then_some(sums.loss),
            accuracy: told.then_some(sums.accuracy),
            speed: (speed.per_s > 0.0).then_some(speed),
        }
    }

    /// As the bar writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if let Some(loss) = self.loss {
            parts.push(format!("loss {loss:.3}"));
        }
        if let Some(accuracy) = self.accuracy {
            parts.push(format!("accuracy {:.1} %", 100.0 * accuracy));
        }
        if let Some(Speed { unit, per_s }) = &self.speed {
            parts.push(format!("{per_s:.0} {unit}/s"));
        }
        parts.join("  ")
    }
}

impl TrainBar {
    /// A bar over the steps of epoch `epoch` of `epochs`, counted from 1.
    #[must_use]
    pub fn new(output: Output, epoch: u32, epochs: u32, step_count: u64) -> Self {
        let template = "{prefix} {wide_bar} {pos}/{len}  {msg}  {eta} left";
        let bar = bar(output, Some(step_count), template);
        bar.set_prefix(format!("epoch {epoch}/{epochs}"));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// So many steps of the epoch are done.
    pub fn at(&self, step: u64, running: &Running) {
        self.0.set_message(running.text());
        self.0.set_position(step);
    }
}

/// The bar leaves the screen; the epoch's line or an error takes its place.
impl Drop for TrainBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A plain bar over `count` steps of some work, such as evaluation.
#[must_use]
pub fn work_bar(output: Output, what: &'static str, count: u64) -> ProgressBar {
    let bar = bar(output, Some(count), "{prefix} {wide_bar} {pos}/{len}  {eta} left");
    bar.set_prefix(what);
    bar
}

/// The bar of a download and what follows it.
#[derive(Debug)]
pub struct FetchBar(ProgressBar);

impl FetchBar {
    /// A bar for the data set `name`.
    #[must_use]
    pub fn new(output: Output, name: &'static str) -> Self {
        let bar = bar(output, None, "{prefix} {msg}");
        bar.set_prefix(name);
        bar.set_message("connecting");
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// Shows a stage of the fetch.
    pub fn show(&self, stage: Stage) {
        match stage {
            Stage::Downloading { here, total } => {
                if let Some(total) = total
                    && self.0.length() != Some(total)
                {
                    self.0.set_length(total);
                    self.0.set_style(style("{prefix} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"));
                    // What an earlier command brought does not count for the speed.
                    self.0.set_position(here);
                    self.0.reset_eta();
                }
                self.0.set_position(here);
            }
            Stage::Reconnecting => self.word("the connection broke; trying again"),
            Stage::Checking => self.word("checking"),
            Stage::Unpacking => self.word("unpacking"),
        }
    }

    fn word(&self, word: &'static str) {
        self.0.set_style(style("{prefix} {msg}"));
        self.0.unset_length();
        self.0.set_message(word);
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
