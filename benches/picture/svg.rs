//! A terminal's screen as an SVG: text as text, in the terminal's own colours.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

/// A cell's width and height, in the SVG's units.
const CELL: (f32, f32) = (8.4, 18.0);
const FONT: &str = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
const GROUND: &str = "#1b1d23";
const TEXT: &str = "#d4d7dd";

/// The sixteen colours that a terminal gives names.
const PALETTE: [&str; 16] = [
    "#2b2e36", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4", "#6b7280",
    "#ef8a92", "#b1d694", "#f0d399", "#85c3f5", "#d79be8", "#7ccad4", "#ffffff",
];

/// How a run of cells looks.
#[derive(PartialEq, Clone)]
struct Look {
    text: String,
    ground: String,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (mut text, mut ground) = (colour(cell.fgcolor(), TEXT), colour(cell.bgcolor(), GROUND));
        if cell.inverse() {
            std::mem::swap(&mut text, &mut ground);
        }
        Self {
            text,
            ground,
            bold: cell.bold(),
            dim: cell.dim(),
            italic: cell.italic(),
            underline: cell.underline(),
        }
    }

    fn attributes(&self) -> String {
        let mut attributes = format!(" fill=\"{}\"", self.text);
        for (is_so, attribute) in [
            (self.bold, " font-weight=\"bold\""),
            (self.dim, " opacity=\"0.6\""),
            (self.italic, " font-style=\"italic\""),
            (self.underline, " text-decoration=\"underline\""),
        ] {
            if is_so {
                attributes.push_str(attribute);
            }
        }
        attributes
    }
}

fn colour(colour: Color, default: &str) -> String {
    match colour {
        Color::Default => default.to_owned(),
        Color::Idx(index @ 0..=15) => PALETTE[usize::from(index)].to_owned(),
        Color::Idx(index @ 16..=231) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            hex(level(index / 36), level(index / 6 % 6), level(index % 6))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            hex(grey, grey, grey)
        }
        Color::Rgb(red, green, blue) => hex(red, green, blue),
    }
}

fn hex(red: u8, green: u8, blue: u8) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Draws the screen.
pub fn draw(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (f32::from(columns) * CELL.0 + 24.0, f32::from(rows) * CELL.1 + 24.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"{FONT}\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            column = draw_run(&mut svg, screen, row, column, columns);
        }
    }
    svg + "</svg>\n"
}

/// Draws the cells that look the same, up to a blank; the column after them.
///
/// A word at a time, each at its own column and stretched to its own cells: so
/// no font and no blank can shift what is right of it. Writing to a string
/// cannot fail.
fn draw_run(svg: &mut String, screen: &Screen, row: u16, start: u16, columns: u16) -> u16 {
    let cell = |column| screen.cell(row, column);
    let Some(first) = cell(start) else { return columns };
    let look = Look::of(first);
    let is_blank = |cell: &Cell| cell.contents().trim().is_empty() && !cell.is_wide_continuation();
    let belongs = |cell: &&Cell| {
        cell.is_wide_continuation() || (Look::of(cell) == look && is_blank(cell) == is_blank(first))
    };
    let mut text = String::new();
    let mut end = start;
    while let Some(cell) = cell(end).filter(belongs) {
        text.push_str(cell.contents());
        end += 1;
    }
    let (x, y) = (12.0 + f32::from(start) * CELL.0, 12.0 + f32::from(row) * CELL.1);
    let width = f32::from(end - start) * CELL.0;
    if look.ground != GROUND {
        let (ground, height) = (&look.ground, CELL.1);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{ground}\"/>"
        );
    }
    if !is_blank(first) {
        let (base, attributes) = (y + 13.5, look.attributes());
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{base:.1}\" textLength=\"{width:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\"{attributes}>{text}</text>"
        );
    }
    end
}
