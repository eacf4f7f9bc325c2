//! Labelled series of measurements, as the UEA and UCR archive's `.ts` files hold them (Bagnall et al., *The UEA
//! multivariate time series classification archive*, 2018).

use super::text::utf8;
use super::{DataError, KNOWN_SETS, Root, SetStatus, Split};
use std::fs;
use std::path::{Path, PathBuf};

/// Series of one number of dimensions, each of a length of its own, and their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSet {
    /// The name in the file.
    pub name: String,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Measurements a step.
    pub dimensions: usize,
    /// The series, each `[steps, dimensions]`, with one step or more.
    pub series: Vec<Vec<f32>>,
    /// The class of each.
    pub labels: Vec<u32>,
}

impl SeriesSet {
    /// Reads a `.ts` file: a header of `@` lines, `@data`, then a series a line, its dimensions parted by `:`, their values
    /// by `,`, and the class behind the last `:`.
    ///
    /// # Errors
    /// [`DataError::Io`] when it does not read; [`DataError::Line`] names the line that is not as it should be.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = fs::read(path).map_err(DataError::io("read", path))?;
        Self::parse(path, utf8(path, &bytes)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let mut set =
            Self { name: String::new(), classes: Vec::new(), dimensions: 0, series: Vec::new(), labels: Vec::new() };
        let mut in_data = false;
        for (number, line) in (1..).zip(text.lines()) {
            let fault = |problem: String| DataError::Line { path: path.to_owned(), line: number, problem };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if in_data {
                set.take(line).map_err(fault)?;
            } else {
                in_data = set.header(line).map_err(fault)?;
            }
        }
        if set.series.is_empty() {
            let (line, problem) = (text.lines().count().max(1), "the file ends with no series".to_owned());
            return Err(DataError::Line { path: path.to_owned(), line, problem });
        }
        Ok(set)
    }

    /// A line before the data; whether it ends them.
    fn header(&mut self, line: &str) -> Result<bool, String> {
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (key.to_lowercase().as_str(), value.trim()) {
            ("@problemname", name) => self.name = name.to_owned(),
            ("@classlabel", value) => {
                let mut words = value.split_whitespace();
                if words.next() != Some("true") {
                    return Err("@classLabel is not true: the series have no classes".to_owned());
                }
                self.classes = words.map(str::to_owned).collect();
            }
            ("@timestamps", "true") => return Err("@timeStamps true: series with times are not read".to_owned()),
            ("@data", _) if self.classes.is_empty() => return Err("@data comes before @classLabel".to_owned()),
            ("@data", _) => return Ok(true),
            (key, _) if key.starts_with('@') => {}
            _ => return Err(format!("{:?} is neither a header line nor behind @data", shortened(line))),
        }
        Ok(false)
    }

    /// A series.
    fn take(&mut self, line: &str) -> Result<(), String> {
        let (values, label) = line.rsplit_once(':').ok_or("no class behind a `:`")?;
        let label = label.trim();
        let class = self.classes.iter().position(|class| class == label);
        let class = class.ok_or_else(|| format!("class {:?} is none of the header's", shortened(label)))?;
        let mut dimensions = Vec::new();
        for (dimension, values) in values.split(':').enumerate() {
            let number = |text: &str| match text.trim().parse::<f32>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(format!("{:?} in dimension {} is no number", shortened(text), dimension + 1)),
            };
            dimensions.push(values.split(',').map(number).collect::<Result<Vec<f32>, String>>()?);
        }
        let steps = dimensions[0].len();
        if self.series.is_empty() {
            self.dimensions = dimensions.len();
        }
        if dimensions.len() != self.dimensions {
            return Err(format!("{} dimensions, but the first series has {}", dimensions.len(), self.dimensions));
        }
        if let Some(at) = dimensions.iter().position(|values| values.len() != steps) {
            let (found, at) = (dimensions[at].len(), at + 1);
            return Err(format!("dimension {at} has {found} values, but the first has {steps}"));
        }
        self.series.push((0..steps).flat_map(|t| dimensions.iter().map(move |values| values[t])).collect());
        self.labels.push(class as u32);
        Ok(())
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there are none; never so of what was read.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Steps of series `index`.
    pub fn steps(&self, index: usize) -> usize {
        self.series[index].len() / self.dimensions
    }

    /// Steps of the longest series.
    pub fn longest(&self) -> usize {
        (0..self.len()).map(|i| self.steps(i)).max().unwrap_or(0)
    }

    /// The mean and the deviation of each dimension over all steps; 1 of one that never changes.
    pub fn stats(&self) -> (Vec<f32>, Vec<f32>) {
        let of = |dimension: usize| {
            let values = || {
                let all = self.series.iter().flat_map(|series| series.iter().skip(dimension).step_by(self.dimensions));
                all.map(|&v| f64::from(v))
            };
            let count = values().count() as f64;
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
            (mean as f32, if variance > 0.0 { variance.sqrt() as f32 } else { 1.0 })
        };
        (0..self.dimensions).map(of).unzip()
    }
}

/// What an error shows of a text.
fn shortened(text: &str) -> String {
    text.trim().chars().take(20).collect()
}

impl Root {
    /// One part of a set of series: a known one by name, or a folder with a `…_TRAIN.ts` and a `…_TEST.ts`.
    ///
    /// # Errors
    /// [`DataError::UnknownSet`], [`DataError::Absent`], [`DataError::Damaged`], [`DataError::Missing`], or what reading the
    /// file gives.
    pub fn load_series(&self, spec: &str, split: Split) -> Result<SeriesSet, DataError> {
        let folder = match KNOWN_SETS.iter().find(|set| set.name == spec) {
            Some(set) => match set.status(self.path()) {
                SetStatus::Whole { folder, .. } => folder,
                SetStatus::Damaged { folder, problem } => {
                    return Err(DataError::Damaged { set: set.name, folder, problem });
                }
                SetStatus::Absent => {
                    return Err(DataError::Absent { set: set.name, looked_in: set.folders(self.path()) });
                }
            },
            None if Path::new(spec).is_dir() => PathBuf::from(spec),
            None => return Err(DataError::UnknownSet { spec: spec.to_owned() }),
        };
        let end = match split {
            Split::Train => "_TRAIN.ts",
            Split::Test => "_TEST.ts",
        };
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(DataError::io("read", &folder))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(end))
            .collect();
        files.sort();
        match files.first() {
            Some(file) => SeriesSet::read(file),
            None => Err(DataError::Missing { path: folder.join(end), what: "series" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scratch::Scratch;

    const HEADER: &str = "#a remark\n@problemName Two\n@timeStamps false\n@classLabel true low high\n@data\n";

    #[test]
    fn series_have_lengths_of_their_own() {
        let scratch = Scratch::new("series");
        let text = format!("{HEADER}1,2,3:10,20,30:high\n\n5:50:low\n");
        let set = SeriesSet::read(&scratch.write("Two_TRAIN.ts", text.as_bytes())).unwrap();
        assert_eq!((set.name.as_str(), set.dimensions, set.len(), set.longest()), ("Two", 2, 2, 3));
        assert_eq!(set.series[0], [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        assert_eq!((set.steps(1), &set.labels[..]), (1, &[1, 0][..]));
        let (mean, deviation) = set.stats();
        assert_eq!(mean, [2.75, 27.5]);
        assert!((deviation[0] - 2.1875f32.sqrt()).abs() < 1e-6);
        let root = Root::find(Some(scratch.path()));
        let spec = scratch.path().to_str().unwrap();
        assert_eq!(root.load_series(spec, Split::Train).unwrap(), set);
        assert!(matches!(root.load_series(spec, Split::Test), Err(DataError::Missing { .. })));
        assert!(matches!(root.load_series("none", Split::Test), Err(DataError::UnknownSet { .. })));
        assert!(matches!(root.load_series("japanese-vowels", Split::Test), Err(DataError::Absent { .. })));
    }

    #[test]
    fn what_is_wrong_names_its_line() {
        let scratch = Scratch::new("series-bad");
        for (text, words) in [
            (String::new(), "line 1: the file ends with no series"),
            (HEADER.to_owned(), "line 5: the file ends with no series"),
            (format!("{HEADER}1,2:3,x:low"), "line 6: \"x\" in dimension 2 is no number"),
            (format!("{HEADER}1,2:3,4:low\n1,nan:3,4:low"), "line 7: \"nan\" in dimension 1"),
            (format!("{HEADER}1,2:3:low"), "line 6: dimension 2 has 1 values, but the first has 2"),
            (format!("{HEADER}1:2:low\n1:low"), "line 7: 1 dimensions, but the first series has 2"),
            (format!("{HEADER}1:2:middle"), "line 6: class \"middle\" is none"),
            (format!("{HEADER}::low"), "line 6: \"\" in dimension 1 is no number"),
            (format!("{HEADER}12"), "line 6: no class behind a `:`"),
            ("@classLabel false\n".to_owned(), "line 1: @classLabel is not true"),
            ("@timeStamps true\n".to_owned(), "line 1: @timeStamps true"),
            ("@data\n1:2\n".to_owned(), "line 1: @data comes before @classLabel"),
            ("1,2:3\n".to_owned(), "line 1: \"1,2:3\" is neither"),
        ] {
            let error = SeriesSet::read(&scratch.write("b.ts", text.as_bytes())).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("b.ts"), "{error}");
        }
        let error = SeriesSet::read(&scratch.write("b.ts", b"#\n\xff")).unwrap_err().to_string();
        assert!(error.contains("line 2: it is not UTF-8"), "{error}");
    }
}
