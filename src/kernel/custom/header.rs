//! The header of a kernel from outside: comments `// girih: key = value` in front of its code.

use std::collections::BTreeSet;

use super::expression::Expression;

/// A header, with the line of each entry that is looked at again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The op it computes.
    pub op: String,
    /// Workgroups along each dimension.
    pub dispatch: Vec<Expression>,
    pub dispatch_line: u32,
    /// What must hold of the sizes, as written, with its line.
    pub conditions: Vec<(Expression, String, u32)>,
    /// Sizes that it takes as constants of the preamble.
    pub constants: Vec<String>,
    pub constants_line: u32,
    /// Results that its `epilogue` takes at once: 1 or 4.
    pub width: usize,
}

/// What a comment says to the engine, if it does.
fn entry_of(line: &str) -> Option<&str> {
    line.strip_prefix("//")?.trim_start_matches('/').trim_start().strip_prefix("girih:")
}

const KEYS: &str = "op, dispatch, where, constants, width";

impl Header {
    /// Reads the header of `text`.
    ///
    /// # Errors
    /// The line at fault, 0 where there is none, and why.
    pub fn parse(text: &str) -> Result<Self, (u32, String)> {
        let mut header = Self {
            op: String::new(),
            dispatch: Vec::new(),
            dispatch_line: 0,
            conditions: Vec::new(),
            constants: Vec::new(),
            constants_line: 0,
            width: 1,
        };
        let mut seen = BTreeSet::new();
        let comments = (1..).zip(text.lines()).take_while(|(_, line)| line.trim().is_empty() || line.starts_with("//"));
        for (number, line) in comments {
            let Some(entry) = entry_of(line) else { continue };
            let fault = |why: String| (number, why);
            let (key, value) =
                entry.split_once('=').ok_or_else(|| fault(format!("`{}` is no `key = value`", entry.trim())))?;
            let (key, value) = (key.trim(), value.trim());
            if value.is_empty() {
                return Err(fault(format!("{key}: nothing is behind the `=`")));
            }
            if key != "where" && !seen.insert(key) {
                return Err(fault(format!("{key} is there twice")));
            }
            let list = || Expression::list(value).map_err(|why| fault(format!("{key}: {why}")));
            match key {
                "op" => header.op = value.to_owned(),
                "dispatch" => (header.dispatch, header.dispatch_line) = (list()?, number),
                "where" => {
                    // As many texts as expressions: no comma stands within one.
                    let texts = value.split(',').map(|text| text.trim().to_owned());
                    header.conditions.extend(list()?.into_iter().zip(texts).map(|(e, text)| (e, text, number)));
                }
                "constants" => {
                    header.constants = value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
                    header.constants_line = number;
                }
                "width" => {
                    header.width = match value {
                        "1" => 1,
                        "4" => 4,
                        _ => return Err(fault(format!("width is 1 or 4, not {value}"))),
                    }
                }
                _ => return Err(fault(format!("no key is called `{key}`; there are {KEYS}"))),
            }
        }
        // An entry behind the first line of code is no header's.
        let behind = |key: &str| {
            let is_entry = |line: &str| entry_of(line).is_some_and(|entry| entry.trim_start().starts_with(key));
            (1..).zip(text.lines()).find(|(_, line)| is_entry(line)).map_or(0, |(number, _)| number)
        };
        let absent = |key: &str| {
            let why = format!("the header does not say its {key}: a line `// girih: {key} = …` in front of the code");
            match behind(key) {
                0 => (0, why),
                line => (line, format!("{why}; this one stands behind code")),
            }
        };
        match () {
            () if header.op.is_empty() => Err(absent("op")),
            () if header.dispatch.is_empty() => Err(absent("dispatch")),
            () if header.dispatch.len() > 3 => {
                Err((header.dispatch_line, "dispatch: three dimensions at most".to_owned()))
            }
            () => Ok(header),
        }
    }

    /// The sizes that it names.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.constants.iter().cloned().collect();
        let conditions = self.conditions.iter().map(|(condition, ..)| condition);
        self.dispatch.iter().chain(conditions).for_each(|expression| expression.names(&mut names));
        names
    }
}
