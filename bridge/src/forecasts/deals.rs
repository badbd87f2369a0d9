//! Deals as a table tells of them: a row for each time that something became known.

use std::collections::BTreeMap;
use std::io::Read;

use chrono::{Days, NaiveDate};
use csv::{ReaderBuilder, StringRecord, Trim};
use upturn_core::forecast::win::{Seen, Sight};

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

/// How a deal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Won,
    Lost,
}

/// What is known of a deal from a day on.
#[derive(Debug)]
struct Row {
    on: NaiveDate,
    outcome: Option<Outcome>,
    levels: Vec<u32>,
    numbers: Vec<f64>,
}

/// Deals by name, each with its rows by day.
#[derive(Debug)]
pub(super) struct Deals {
    deals: BTreeMap<String, Vec<Row>>,
}

/// Where in a row things are.
struct Columns {
    deal: usize,
    on: usize,
    outcome: usize,
    levels: Vec<usize>,
    numbers: Vec<usize>,
}

impl Deals {
    /// Reads a table in which `numbers` are the columns that hold numbers.
    pub(super) fn read(source: impl Read, numbers: &[String]) -> Result<Self, DealsError> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(source);
        let columns = Columns::of(reader.headers()?, numbers)?;
        let mut words = Words::default();
        let mut deals: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for (at, record) in (0_u64..).zip(reader.records()) {
            if ROWS_MAX <= at {
                return Err(DealsError::Long);
            }
            let (deal, row) = columns.row(&record?, &mut words)?;
            deals.entry(deal).or_default().push(row);
        }
        for rows in deals.values_mut() {
            // Of two rows of one day, the later one in the table holds.
            rows.sort_by_key(|row| row.on);
        }
        Ok(Self { deals })
    }

    /// Returns what was known of deals that were open one, two, … horizons of `within` days before
    /// `as_of`, and whether they were won within the next one; `back` horizons at most.
    pub(super) fn seen(&self, as_of: NaiveDate, within: u32, back: u32) -> Vec<Seen> {
        let day = |ago: u32| as_of.checked_sub_days(Days::new(u64::from(ago) * u64::from(within)));
        let mut seen = Vec::new();
        for ago in 1..=back {
            let (Some(on), Some(until)) = (day(ago), day(ago - 1)) else { break };
            for rows in self.deals.values() {
                let Some(sight) = sight(rows, on, ago) else { continue };
                let won = rows
                    .iter()
                    .any(|row| on <= row.on && row.on < until && row.outcome == Some(Outcome::Won));
                seen.push(Seen { sight, won });
            }
        }
        seen
    }

    /// Returns the deals that are open on `as_of`, with what is known of them.
    pub(super) fn open(&self, as_of: NaiveDate) -> Vec<(&str, Sight)> {
        let deals = self.deals.iter();
        deals.filter_map(|(deal, rows)| Some((deal.as_str(), sight(rows, as_of, 0)?))).collect()
    }
}

/// Returns what was known before `on` of a deal that was open then.
fn sight(rows: &[Row], on: NaiveDate, ago: u32) -> Option<Sight> {
    let known = rows.partition_point(|row| row.on < on);
    let known = rows.get(..known)?;
    let (first, last) = (known.first()?, known.last()?);
    if known.iter().any(|row| row.outcome.is_some()) {
        return None;
    }
    let age = i32::try_from(on.signed_duration_since(first.on).num_days()).ok()?;
    let (levels, numbers) = (last.levels.clone(), last.numbers.clone());
    Some(Sight { ago, age_days: f64::from(age), levels, numbers })
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

/// Words of each column, numbered as they came.
#[derive(Debug, Default)]
struct Words(BTreeMap<(usize, String), u32>);

impl Words {
    fn number(&mut self, column: usize, word: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry((column, word.to_owned())).or_insert(next)
    }
}
