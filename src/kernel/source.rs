//! Kernel sources and their specialisation.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use super::module::KernelError;

/// A WGSL file of `shaders/`, by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The file's stem; also the kernel's name and the label a GPU debugger shows.
    pub name: &'static str,
    /// The file's text.
    pub wgsl: &'static str,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The [`Source`] of `shaders/<name>.wgsl`.
macro_rules! source {
    ($name:literal) => {
        $crate::kernel::Source {
            name: $name,
            wgsl: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".wgsl")),
        }
    };
}
pub(crate) use source;

/// `shaders/lib/`: what `#import` finds.
const LIBRARY: &[(&str, &str)] = &[
    ("bn_passed", include_str!("../../shaders/lib/bn_passed.wgsl")),
    ("bn_places", include_str!("../../shaders/lib/bn_places.wgsl")),
    ("conv_coop", include_str!("../../shaders/lib/conv_coop.wgsl")),
    ("conv_d_input", include_str!("../../shaders/lib/conv_d_input.wgsl")),
    ("conv_d_weight", include_str!("../../shaders/lib/conv_d_weight.wgsl")),
    ("conv_forward", include_str!("../../shaders/lib/conv_forward.wgsl")),
    ("conv_params", include_str!("../../shaders/lib/conv_params.wgsl")),
    ("conv_patch", include_str!("../../shaders/lib/conv_patch.wgsl")),
    ("conv_strip", include_str!("../../shaders/lib/conv_strip.wgsl")),
    ("conv_tile", include_str!("../../shaders/lib/conv_tile.wgsl")),
    ("conv_window", include_str!("../../shaders/lib/conv_window.wgsl")),
    ("conv_window_sums", include_str!("../../shaders/lib/conv_window_sums.wgsl")),
    ("image_word", include_str!("../../shaders/lib/image_word.wgsl")),
    ("matmul_pack", include_str!("../../shaders/lib/matmul_pack.wgsl")),
    ("activation", include_str!("../../shaders/lib/activation.wgsl")),
    ("cell_gru", include_str!("../../shaders/lib/cell_gru.wgsl")),
    ("cell_lstm", include_str!("../../shaders/lib/cell_lstm.wgsl")),
    ("cell_rnn", include_str!("../../shaders/lib/cell_rnn.wgsl")),
    ("panel_place", include_str!("../../shaders/lib/panel_place.wgsl")),
    ("panel_sums", include_str!("../../shaders/lib/panel_sums.wgsl")),
    ("panel_windows", include_str!("../../shaders/lib/panel_windows.wgsl")),
    ("tile_place", include_str!("../../shaders/lib/tile_place.wgsl")),
    ("tree_lines", include_str!("../../shaders/lib/tree_lines.wgsl")),
    ("tree_lines_packed", include_str!("../../shaders/lib/tree_lines_packed.wgsl")),
    ("tree_product", include_str!("../../shaders/lib/tree_product.wgsl")),
    ("tree_scatter", include_str!("../../shaders/lib/tree_scatter.wgsl")),
    ("tree_node", include_str!("../../shaders/lib/tree_node.wgsl")),
    ("coop_tile", include_str!("../../shaders/lib/coop_tile.wgsl")),
    ("divide", include_str!("../../shaders/lib/divide.wgsl")),
    ("element", include_str!("../../shaders/lib/element.wgsl")),
    ("half", include_str!("../../shaders/lib/half.wgsl")),
    ("grid", include_str!("../../shaders/lib/grid.wgsl")),
    ("group", include_str!("../../shaders/lib/group.wgsl")),
    ("group_max", include_str!("../../shaders/lib/group_max.wgsl")),
    ("group_sum", include_str!("../../shaders/lib/group_sum.wgsl")),
    ("recurrent_window_grad_reset", include_str!("../../shaders/lib/recurrent_window_grad_reset.wgsl")),
    ("recurrent_window_grad_step", include_str!("../../shaders/lib/recurrent_window_grad_step.wgsl")),
    ("recurrent_window_reset", include_str!("../../shaders/lib/recurrent_window_reset.wgsl")),
    ("recurrent_window_step", include_str!("../../shaders/lib/recurrent_window_step.wgsl")),
    ("winograd", include_str!("../../shaders/lib/winograd.wgsl")),
    ("winograd_points", include_str!("../../shaders/lib/winograd_points.wgsl")),
    ("winograd_taps", include_str!("../../shaders/lib/winograd_taps.wgsl")),
    ("random", include_str!("../../shaders/lib/random.wgsl")),
    ("scatter_link", include_str!("../../shaders/lib/scatter_link.wgsl")),
];

/// The value of a preamble constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// `const NAME: u32`.
    U32(u32),
    /// `const NAME: bool`.
    Bool(bool),
    /// `const NAME: f32`, by its bits.
    F32(u32),
    /// `alias NAME = type`. A type of f16, or of cooperative matrices, enables them.
    Type(&'static str),
}

impl From<u32> for Constant {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<usize> for Constant {
    fn from(value: usize) -> Self {
        // Tile sizes and kernel extents: far below 2³².
        Self::U32(value as u32)
    }
}

impl From<bool> for Constant {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f32> for Constant {
    fn from(value: f32) -> Self {
        Self::F32(value.to_bits())
    }
}

impl From<&'static str> for Constant {
    fn from(value: &'static str) -> Self {
        Self::Type(value)
    }
}

/// A source and its specialisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    name: Cow<'static, str>,
    text: Cow<'static, str>,
    foreign: bool,
    constants: Vec<(Cow<'static, str>, Constant)>,
    windows: Vec<(Cow<'static, str>, usize)>,
    code: String,
    /// Lines of the parameter struct that the code added.
    fields: Vec<String>,
}

/// How a kernel's parameters begin.
const PARAMS: &str = "struct Params {";

impl Kernel {
    /// The unspecialised kernel.
    pub fn new(source: Source) -> Self {
        Self::of(Cow::Borrowed(source.name), Cow::Borrowed(source.wgsl), false)
    }

    /// An unspecialised kernel that is not one of the engine's: devices keep its run-time checks.
    pub fn foreign(name: &str, wgsl: &str) -> Self {
        Self::of(Cow::Owned(name.to_owned()), Cow::Owned(wgsl.to_owned()), true)
    }

    fn of(name: Cow<'static, str>, text: Cow<'static, str>, foreign: bool) -> Self {
        Self {
            name,
            text,
            foreign,
            constants: Vec::new(),
            windows: Vec::new(),
            code: String::new(),
            fields: Vec::new(),
        }
    }

    /// Adds a preamble constant.
    #[must_use]
    pub fn constant(mut self, name: &'static str, value: impl Into<Constant>) -> Self {
        self.constants.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// A preamble constant whose name came with the kernel.
    pub(super) fn own_constant(mut self, name: String, value: usize) -> Self {
        self.constants.push((Cow::Owned(name), value.into()));
        self
    }

    /// Reads the storage array `name` as a uniform window of `len` elements.
    #[must_use]
    pub fn window(mut self, name: impl Into<Cow<'static, str>>, len: usize) -> Self {
        self.windows.push((name.into(), len));
        self
    }

    /// Adds to what fills the hole.
    #[must_use]
    pub fn code(mut self, code: impl AsRef<str>) -> Self {
        self.code.push_str(code.as_ref());
        self.code.push('\n');
        self
    }

    /// Adds a parameter, u32, for what fills the hole.
    #[must_use]
    pub(super) fn field(mut self, name: &str) -> Self {
        self.fields.push(format!("    {name}: u32,"));
        self
    }

    /// The kernel's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is not one of the engine's.
    pub fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// The specialised WGSL. Parameters travel as immediates, or else as a uniform in group 1.
    ///
    /// # Errors
    /// On an unknown `#import`, directive or window.
    pub fn wgsl(&self, immediates: bool) -> Result<Specialised, KernelError> {
        let mut out = String::with_capacity(self.text.len() + 512);
        // Directives stand before all declarations.
        for (part, directive) in [("f16", "enable f16;\n"), ("coop_mat", "enable wgpu_cooperative_matrix;\n")] {
            if self.constants.iter().any(|(_, value)| matches!(value, Constant::Type(ty) if ty.contains(part))) {
                out.push_str(directive);
            }
        }
        for (name, value) in &self.constants {
            // Writing to a string cannot fail.
            let _ = match value {
                Constant::U32(v) => writeln!(out, "const {name}: u32 = {v}u;"),
                Constant::Bool(v) => writeln!(out, "const {name}: bool = {v};"),
                Constant::F32(bits) => writeln!(out, "const {name}: f32 = {:?}f;", f32::from_bits(*bits)),
                Constant::Type(v) => writeln!(out, "alias {name} = {v};"),
            };
        }
        let mut origins = vec![0; out.lines().count()];
        let mut lines = Vec::new();
        self.import(&self.text, None, immediates, &mut Vec::new(), &mut lines)?;
        let mut unrolled = Vec::new();
        if let Some(number) = self.unroll(&mut lines.into_iter(), &mut unrolled)? {
            return Err(self.unknown("#end", number));
        }
        for (number, line) in unrolled {
            computed(&line, &mut out);
            out.push('\n');
            origins.push(number);
        }
        for (name, len) in &self.windows {
            let declared = format!("var<storage, read> {name}: array<");
            let element = out.split_once(&declared).and_then(|(_, rest)| rest.split_once(">;"));
            let element = element.ok_or_else(|| self.unknown(name, 0))?.0.to_owned();
            let (old, new) = (format!("{declared}{element}>"), format!("var<uniform> {name}: array<{element}, {len}>"));
            out = out.replacen(&old, &new, 1);
        }
        Ok(Specialised { wgsl: out, origins })
    }

    /// Copies `text` with what it imports, each file once, and with the generated code, which may import too: an epilogue
    /// brings what its functions call. Each line comes with its number, or with `origin`.
    fn import<'a>(
        &'a self,
        text: &'a str,
        origin: Option<u32>,
        immediates: bool,
        imported: &mut Vec<&'static str>,
        out: &mut Vec<(u32, &'a str)>,
    ) -> Result<(), KernelError> {
        for (number, line) in (1..).zip(text.lines()) {
            let number = origin.unwrap_or(number);
            match line.strip_prefix('#').map(|directive| directive.split_once(' ').unwrap_or((directive, ""))) {
                None | Some(("repeat" | "end", _)) => {
                    out.push((number, line));
                    if line == PARAMS {
                        out.extend(self.fields.iter().map(|field| (number, field.as_str())));
                    }
                }
                Some(("code", "")) => self.import(&self.code, Some(number), immediates, imported, out)?,
                Some(("import", "params")) if immediates => out.push((number, "var<immediate> p: Params;")),
                Some(("import", "params")) => out.push((number, "@group(1) @binding(0) var<uniform> p: Params;")),
                Some(("import", name)) => {
                    let found = LIBRARY.iter().find(|(file, _)| *file == name);
                    let (file, text) = found.ok_or_else(|| self.unknown(line, number))?;
                    if !imported.contains(file) {
                        imported.push(file);
                        self.import(text, Some(number), immediates, imported, out)?;
                    }
                }
                Some(_) => return Err(self.unknown(line, number)),
            }
        }
        Ok(())
    }

    /// Copies lines up to `#end`, writing out what stands between `#repeat v COUNT` and its `#end` that often, with the
    /// numbers from 0 in place of `$v`. COUNT is a number or a preamble constant. Returns the number of the `#end`.
    fn unroll<'a>(
        &self,
        lines: &mut impl Iterator<Item = (u32, &'a str)>,
        out: &mut Vec<(u32, String)>,
    ) -> Result<Option<u32>, KernelError> {
        while let Some((number, line)) = lines.next() {
            if line == "#end" {
                return Ok(Some(number));
            }
            let Some(repeat) = line.strip_prefix("#repeat ") else {
                out.push((number, line.to_owned()));
                continue;
            };
            let unknown = || self.unknown(line, number);
            let (variable, count) = repeat.split_once(' ').ok_or_else(unknown)?;
            let constant = self.constants.iter().find_map(|(name, value)| match value {
                Constant::U32(value) if *name == count => Some(*value),
                _ => None,
            });
            let count = constant.or_else(|| count.parse().ok()).ok_or_else(unknown)?;
            let mut body = Vec::new();
            self.unroll(lines, &mut body)?.ok_or_else(unknown)?;
            let variable = format!("${variable}");
            for i in 0..count {
                out.extend(body.iter().map(|(number, line)| (*number, line.replace(&variable, &i.to_string()))));
            }
        }
        Ok(None)
    }

    fn unknown(&self, what: &str, line: u32) -> KernelError {
        self.fault(line, format!("unknown directive or window `{what}`"))
    }

    /// An error in `line` of the file, from 1; 0 where it is of no one line.
    pub(super) fn fault(&self, line: u32, why: String) -> KernelError {
        KernelError { kernel: self.name.to_string(), line: (line > 0).then_some(line), why }
    }
}

/// Appends a line with the value of each `$(1+2%3)` in its place: sums and remainders, from left to right.
fn computed(line: &str, out: &mut String) {
    let value = |inside: &str| {
        inside.split('+').try_fold(0u32, |sum, term| {
            let mut numbers = term.split('%').map(str::parse::<u32>);
            let sum = sum.checked_add(numbers.next()?.ok()?)?;
            numbers.try_fold(sum, |value, modulus| value.checked_rem(modulus.ok()?))
        })
    };
    let mut pieces = line.split("$(");
    out.extend(pieces.next());
    for piece in pieces {
        match piece.split_once(')').and_then(|(inside, after)| Some((value(inside)?, after))) {
            Some((value, after)) => out.extend([value.to_string().as_str(), after]),
            None => out.extend(["$(", piece]),
        }
    }
}

/// A kernel's specialised WGSL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specialised {
    /// The text.
    pub wgsl: String,
    /// For each of its lines, that of the file which it comes from; 0 for the preamble.
    pub origins: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_out_with_what_is_computed() {
        let text = "#repeat i TWO\n#repeat j 2\na$i = b$($i+$j) + c$($i+1%2) + d$($j+x);\n#end\n#end\ne($)$(\n";
        let kernel = Kernel::foreign("test", text).constant("TWO", 2usize);
        let wgsl = kernel.wgsl(true).map(|specialised| specialised.wgsl);
        let expected = "const TWO: u32 = 2u;
a0 = b0 + c1 + d$(0+x);
a0 = b1 + c1 + d$(1+x);
a1 = b1 + c0 + d$(0+x);
a1 = b2 + c0 + d$(1+x);
e($)$(
";
        assert_eq!(wgsl.as_deref(), Ok(expected));
    }
}
