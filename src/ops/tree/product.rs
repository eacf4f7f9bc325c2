//! The product of a level's lines with the weight.

use super::cell::Extents;
use super::tables::{count_of, kernel};
use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Following, Kernel, KernelCall, Operand, Source, source};
use crate::ops::copy::clear;
use crate::ops::matmul::{Cut, Factor, NEITHER, PANEL, Side, WINDOW, suits, tile};

/// Lines an invocation of `Rows` multiplies.
const TILE: usize = 8;

/// Lines that a level has in the mean, from which on windows, of 32 lines, are worth it.
const LEAST: usize = 8;

/// Lines `[·, depth]` of a level times a weight `[depth, columns]`.
#[derive(Clone, Debug)]
pub(super) struct Product {
    e: Extents,
    /// Terms of a sum.
    depth: usize,
    /// Results of a line.
    columns: usize,
    /// The inputs that are the weight and the table of levels.
    inputs: [usize; 2],
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// Lines one after another, whole.
    Rows(Rows),
    /// As `wide` has them.
    Windows(Cut),
}

#[derive(Clone, Copy, Debug)]
struct Rows {
    /// Invocations of a workgroup along the columns.
    lanes: usize,
    /// Lines of a uniform window, where the device reads storage slowly and lines are not too long.
    window: Option<usize>,
}

impl Product {
    /// In all forms that the device can run, the best first. The inputs are the weight and the table of levels.
    pub fn all(e: &Extents, [depth, columns]: [usize; 2], inputs: [usize; 2], caps: &Caps) -> Vec<Self> {
        let most = e.most(1) * e.lines();
        // The weight is long; not to pack it would save little.
        let cut = suits(caps).then(|| Cut::best([most, columns, depth], NEITHER, caps)).flatten();
        let windows = cut.map(|(cut, _)| Form::Windows(cut));
        let window = WINDOW / line_pitch(depth) / TILE * TILE;
        let window = (caps.slow_storage && window > 0).then_some(window);
        let rows = Form::Rows(Rows { lanes: if caps.is_software() { 8 } else { 32 }, window });
        let with = |form| Self { e: *e, depth, columns, inputs, form };
        let mut forms: Vec<Form> = windows.into_iter().chain([rows]).collect();
        if e.inner * e.lines() < LEAST * e.levels {
            forms.reverse();
        }
        forms.into_iter().map(with).collect()
    }

    /// What a strategy with it is called.
    pub fn name(&self) -> &'static str {
        match self.form {
            Form::Rows(_) => "levels",
            Form::Windows(_) => "windows",
        }
    }

    /// Bytes of a level's lines.
    pub fn lines_bytes(&self) -> u64 {
        match &self.form {
            // Whole windows, or tiles.
            Form::Rows(rows) => {
                let lines = (self.e.most(1) * self.e.lines()).next_multiple_of(rows.window.unwrap_or(TILE));
                (4 * lines * line_pitch(self.depth)) as u64
            }
            Form::Windows(cut) => cut.packed_bytes(0),
        }
    }

    /// Bytes of a level's products.
    pub fn products_bytes(&self) -> u64 {
        let lines = match &self.form {
            Form::Rows(_) => self.e.most(1) * self.e.lines(),
            Form::Windows(cut) => cut.padded()[0],
        };
        (4 * lines * self.pitch()) as u64
    }

    /// Elements from a line's products to the next line's.
    pub fn pitch(&self) -> usize {
        match &self.form {
            Form::Rows(_) => self.columns,
            Form::Windows(cut) => cut.padded()[1],
        }
    }

    /// `kernel`, told how to write the lines, which are its binding 0.
    pub fn with_lines(&self, kernel: Kernel) -> Kernel {
        match &self.form {
            Form::Rows(_) => kernel.constant("LINE4", line_pitch(self.depth) / 4).code("#import tree_lines"),
            Form::Windows(cut) => {
                let [tile, planes, run] = cut.panels(0);
                let place = format!("panel_place(i, k, {tile}u, {planes}u, {run}u)");
                let place = format!("fn place(i: u32, k: u32) -> u32 {{\n    return {place};\n}}");
                kernel.code("#import panel_place").code("#import tree_lines_packed").code(place)
            }
        }
    }

    /// What goes before all levels, with the `lines` that are written then on; returns what the products read as weight.
    pub fn begin(&self, lines: Operand, caps: &Caps, calls: &mut Vec<KernelCall>, scratch: &mut Vec<u64>) -> Side {
        let [input, _] = self.inputs;
        let Form::Windows(cut) = &self.form else { return Side { operand: Operand::Input(input), first: 0 } };
        if cut.run * cut.planes() > self.depth {
            // What lies behind a line's last term is multiplied, by 0, and so must be a number.
            calls.push(clear(lines, 4, self.lines_bytes() as usize / 16, caps));
        }
        let factor = Factor { axis: 1, input, extent: self.columns, k: self.depth, count: 1, k_outermost: true };
        cut.read(&factor, caps, calls, scratch)
    }

    /// products = lines · weight for the nodes of a level.
    pub fn store(&self, level: usize, lines: Operand, weight: Side, to: Operand, l: &Lowering<'_>) -> Vec<KernelCall> {
        let cut = match &self.form {
            Form::Windows(cut) => cut,
            Form::Rows(rows) => return self.rows(source!("tree_product_store"), rows, level, lines, weight, &[to]),
        };
        let calls = self.tiles(cut, level).map(|(step, at)| {
            let from = [Side { operand: lines, first: 0 }, weight];
            let call = tile(cut, step, at, from, cut.in_rows(to, at), &l.plain());
            call.follow(self.following(level, at[0] * cut.tile[0], PANEL))
        });
        calls.collect()
    }

    /// What the products of a level's lines with the weight add to the gradients `states` of the children's states.
    pub fn scatter(
        &self,
        level: usize,
        lines: Operand,
        weight: Side,
        children_and_states: [Operand; 2],
    ) -> Vec<KernelCall> {
        let levels = Operand::Input(self.inputs[1]);
        let cut = match &self.form {
            Form::Windows(cut) => cut,
            Form::Rows(rows) => {
                let source = source!("tree_product_scatter");
                return self.rows(source, rows, level, lines, weight, &children_and_states);
            }
        };
        let calls = self.tiles(cut, level).map(|(step, at)| {
            let from = [Side { operand: lines, first: 0 }, weight];
            let (line, column) = (at[0] * cut.tile[0], at[1] * cut.tile[1]);
            cut.call(self.kernel(source!("tree_window_scatter")), step, at, from)
                .bind(levels)
                .bind(children_and_states[0])
                .bind(children_and_states[1])
                .param("level", level)
                .param("line", line)
                .param("column", column / 4)
                .follow(self.following(level, line, PANEL))
        });
        calls.collect()
    }

    fn kernel(&self, source: Source) -> Kernel {
        kernel(source, &self.e).constant("N4", self.columns / 4).constant("LINES", self.e.lines())
    }

    /// The calls over plain lines; `others` are bound behind lines, weight and levels.
    fn rows(
        &self,
        source: Source,
        &Rows { lanes, window }: &Rows,
        level: usize,
        lines: Operand,
        weight: Side,
        others: &[Operand],
    ) -> Vec<KernelCall> {
        let (n4, most) = (self.columns / 4, self.e.most(level) * self.e.lines());
        let pitch = line_pitch(self.depth);
        let part = window.unwrap_or(most);
        let kernel = self.kernel(source).constant("LANES", lanes).constant("K4", self.depth / 4);
        let kernel = kernel.constant("LINE4", pitch / 4);
        let kernel = if window.is_some() { kernel.window("lines", part * pitch / 4) } else { kernel };
        let call = |first: usize| {
            let grid = [n4.div_ceil(lanes) as u32, part.min(most - first).div_ceil(TILE) as u32, 1];
            let call = KernelCall::new(kernel.clone(), grid).follow(self.following(level, first, TILE));
            let call = match window {
                Some(_) => call.bind_window(lines, (4 * first * pitch) as u64, (4 * part * pitch) as u64),
                None => call.bind(lines),
            };
            let call = call.bind(weight.operand).bind(Operand::Input(self.inputs[1]));
            let call = others.iter().fold(call, |call, &operand| call.bind(operand));
            call.param("level", level).param("first", first)
        };
        (0..most).step_by(part).map(call).collect()
    }

    /// Steps of the tiles that lines of a level lie in.
    fn tiles<'a>(&self, cut: &'a Cut, level: usize) -> impl Iterator<Item = (usize, [usize; 2])> + use<'a> {
        let lines = self.e.most(level) * self.e.lines();
        cut.dispatches().filter(move |(_, at)| at[0] * cut.tile[0] < lines)
    }

    /// A grid along the lines of a level from `first` on.
    fn following(&self, level: usize, first: usize, per: usize) -> Following {
        Following { input: self.inputs[1], word: count_of(level), times: self.e.lines(), first, per, axis: 1 }
    }
}

/// Elements from plain line to line: eight lines begin where a window may.
fn line_pitch(depth: usize) -> usize {
    depth.next_multiple_of(8)
}
