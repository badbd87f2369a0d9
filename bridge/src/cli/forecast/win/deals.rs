//! The table of deals: a row for each time that something became known.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::forecasts::deals::{Deals, Outcome, Row, Words};
use crate::web::visible::Visible;

/// The most rows of a table.
const ROWS_MAX: u64 = 5_000_000;

/// Why a table is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum DealsError {
    #[error("it cannot be read on")]
    Csv(#[from] csv::Error),
    #[error("no column is called {}; the columns are deal, on and outcome, and others", Visible(.0))]
    Missing(String),
    #[error("line {line}: '{text}' is no date as 2025-01-31", text = Visible(text))]
    Date { line: u64, text: String },
    #[error("line {line}: '{text}' is no outcome; it is won, lost or nothing", text = Visible(text))]
    Outcome { line: u64, text: String },
    #[error("line {line}: '{text}' is no number", text = Visible(text))]
    Number { line: u64, text: String },
    #[error("line {0}: the deal is not named")]
    Name(u64),
    #[error("it has more than {ROWS_MAX} rows; cut off the oldest deals")]
    Long,
}

/// Where in a row things are.
struct Columns {
    deal: usize,
    on: usize,
    outcome: usize,
    levels: Vec<usize>,
    numbers: Vec<usize>,
}

/// Reads a table in which `numbers` are the columns that hold numbers.
pub(super) fn read(source: impl Read, numbers: &[String]) -> Result<Deals, DealsError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(source);
    let columns = Columns::of(reader.headers()?, numbers)?;
    let mut words = Words::default();
    let mut deals = Deals::default();
    for (at, record) in (0_u64..).zip(reader.records()) {
        if ROWS_MAX <= at {
            return Err(DealsError::Long);
        }
        let (deal, row) = columns.row(&record?, &mut words)?;
        deals.add(deal, row);
    }
    deals.sort();
    Ok(deals)
}

impl Columns {
    fn of(header: &StringRecord, numbers: &[String]) -> Result<Self, DealsError> {
        let name = |cell: &str| cell.trim_start_matches('\u{feff}').to_owned();
        let names: Vec<String> = header.iter().map(name).collect();
        let column = |wanted: &str| {
            let at = names.iter().position(|name| name == wanted);
            at.ok_or_else(|| DealsError::Missing(wanted.to_owned()))
        };
        let (deal, on, outcome) = (column("deal")?, column("on")?, column("outcome")?);
        let numbers =
            numbers.iter().map(|wanted| column(wanted)).collect::<Result<Vec<_>, DealsError>>()?;
        let is_level = |at: &usize| ![deal, on, outcome].contains(at) && !numbers.contains(at);
        let levels = (0..names.len()).filter(is_level).collect();
        Ok(Self { deal, on, outcome, levels, numbers })
    }

    fn row(&self, record: &StringRecord, words: &mut Words) -> Result<(String, Row), DealsError> {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let short = |at: usize| cell(at).chars().take(40).collect::<String>();
        let deal = cell(self.deal).to_owned();
        if deal.is_empty() {
            return Err(DealsError::Name(line));
        }
        let on = cell(self.on).parse();
        let on = on.map_err(|_| DealsError::Date { line, text: short(self.on) })?;
        let outcome = match cell(self.outcome) {
            "" => None,
            "won" => Some(Outcome::Won),
            "lost" => Some(Outcome::Lost),
            _ => return Err(DealsError::Outcome { line, text: short(self.outcome) }),
        };
        let number = |at: &usize| match cell(*at) {
            "" => Ok(f64::NAN),
            text => text
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| DealsError::Number { line, text: short(*at) }),
        };
        let numbers = self.numbers.iter().map(number).collect::<Result<_, _>>()?;
        let levels = self.levels.iter().map(|at| words.number(*at, cell(*at))).collect();
        Ok((deal, Row { on, outcome, levels, numbers }))
    }
}
