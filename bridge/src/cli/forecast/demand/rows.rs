//! Forecasts as rows of a table.

use std::io::{self, Write};

use csv::Writer;
use upturn_core::forecast::demand::{Expected, Forecast};

use super::input::Series;
use crate::forecasts::period::Frequency;

/// Items with fewer periods than this lean on the others.
const SHORT: usize = 8;

/// The table that is written.
pub(super) struct Rows<W: Write> {
    writer: Writer<W>,
    frequency: Frequency,
    /// A number on its way, so that none is allocated.
    text: Vec<u8>,
}

impl<W: Write> Rows<W> {
    /// Begins the table with its header.
    pub(super) fn begin(sink: W, frequency: Frequency) -> io::Result<Self> {
        let mut writer = Writer::from_writer(sink);
        writer.write_record(["unique_id", "ds", "mean", "q0.5", "q0.9", "q0.95", "mark"])?;
        Ok(Self { writer, frequency, text: Vec::new() })
    }

    /// Writes a row for each period and one for their sum.
    pub(super) fn write(
        &mut self,
        series: &Series,
        forecast: &Forecast,
        ends_early: bool,
    ) -> io::Result<()> {
        let mark = marks(series, ends_early).join(" ");
        for (steps, expected) in (1..).zip(&forecast.periods) {
            let beginning = self.frequency.after(series.last_on, steps);
            let beyond = || io::Error::other("the forecast goes beyond the end of the calendar");
            let on = beginning.ok_or_else(beyond)?.to_string();
            self.row([&series.name, &on, &mark], expected)?;
        }
        self.row([&series.name, "sum", &mark], &forecast.total)
    }

    fn row(&mut self, [name, on, mark]: [&str; 3], expected: &Expected) -> io::Result<()> {
        self.writer.write_field(name)?;
        self.writer.write_field(on)?;
        for number in [expected.mean].iter().chain(&expected.quantiles) {
            self.text.clear();
            write!(self.text, "{number:.4}")?;
            self.writer.write_field(&self.text)?;
        }
        self.writer.write_field(mark)?;
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Ends the table, and returns what it was written to.
    pub(super) fn finish(self) -> io::Result<W> {
        self.writer.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// Returns what a reader of the forecast has to know about it.
fn marks(series: &Series, ends_early: bool) -> Vec<&'static str> {
    let marks = [
        ("short", series.units.len() < SHORT),
        ("no-demand", series.units.iter().all(|units| *units <= 0.0)),
        ("gaps", 0 < series.gaps),
        ("ends-early", ends_early),
    ];
    marks.into_iter().filter(|(_, holds)| *holds).map(|(mark, _)| mark).collect()
}
