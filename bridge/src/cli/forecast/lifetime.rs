//! `upturn forecast lifetime`: fits what customers will still order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use chrono::NaiveDate;
use csv::{ReaderBuilder, Trim};
use rust_decimal::Decimal;
use upturn_core::forecast::lifetime::FitError;
use upturn_core::lead::lifetime::{Lifetime, Purchased};
use upturn_core::money::Currency;

use crate::cli::output;
use crate::exit::Exit;
use crate::web::visible::Visible;

/// The most rows of a table.
const ROWS_MAX: u64 = 5_000_000;
/// The columns that are read.
const COLUMNS: [&str; 4] = ["account", "ordered_on", "amount", "currency"];

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A table with the columns of `records/order.csv`; `-` for standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The day on which it is asked; nothing behind it is looked at
    #[arg(long, value_name = "DATE")]
    as_of: NaiveDate,
    /// The currency of the orders that count
    #[arg(long, value_name = "CODE")]
    currency: String,
    /// Weeks ahead that orders are expected for
    #[arg(long, default_value_t = 52, value_parser = clap::value_parser!(u16).range(1..=520))]
    weeks: u16,
}

/// Why nothing was fitted.
#[derive(Debug, thiserror::Error)]
enum LifetimeError {
    #[error("cannot read {path}", path = .0.display())]
    Open(PathBuf, #[source] io::Error),
    #[error("it cannot be read on")]
    Csv(#[from] csv::Error),
    #[error("no column is called {0}; the columns are {all}", all = COLUMNS.join(", "))]
    Missing(&'static str),
    #[error("'{text}' is no currency; write a code of ISO 4217", text = Visible(.0))]
    Currency(String),
    #[error("line {line}: '{text}' is no {what}", text = Visible(.text))]
    Cell { line: u64, text: String, what: &'static str },
    #[error("it has more than {ROWS_MAX} rows; cut off the oldest orders")]
    Long,
    #[error("nothing was fitted")]
    Fit(#[from] FitError),
    #[error("the orders have no mean that estimates could be made with; take more of them")]
    Unsound,
    #[error("cannot write")]
    Write(#[source] io::Error),
}

impl LifetimeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Open(..) => Exit::NoInput,
            Self::Write(_) => Exit::Output,
            Self::Csv(_)
            | Self::Missing(_)
            | Self::Currency(_)
            | Self::Cell { .. }
            | Self::Long
            | Self::Fit(_)
            | Self::Unsound => Exit::DataErr,
        }
    }
}

pub(super) fn run(args: &Args) -> Exit {
    match fit(args, &mut io::stdout().lock()) {
        Ok(()) => Exit::Ok,
        Err(error) => output::failed(&error, error.exit()),
    }
}

fn fit(args: &Args, out: &mut dyn Write) -> Result<(), LifetimeError> {
    let no_currency = |_| LifetimeError::Currency(args.currency.clone());
    let currency: Currency = args.currency.clone().try_into().map_err(no_currency)?;
    let purchased = if args.input.as_os_str() == "-" {
        read(io::stdin().lock(), (currency, args.as_of))?
    } else {
        let file = File::open(&args.input);
        read(file.map_err(|e| LifetimeError::Open(args.input.clone(), e))?, (currency, args.as_of))?
    };
    let of = (currency, args.weeks);
    let fitted = Lifetime::fit(purchased.values(), args.as_of, of)?;
    if !fitted.is_sound() {
        return Err(LifetimeError::Unsound);
    }
    let Lifetime { r, alpha, a, b, p, q, v, weeks, .. } = fitted;
    let customers = purchased.len();
    writeln!(
        out,
        "# Fitted to the orders of {customers} accounts up to {as_of}.\n[lifetime]\n\
         currency = \"{currency}\"\nweeks = {weeks}\nr = {r:.6}\nalpha = {alpha:.6}\na = {a:.6}\n\
         b = {b:.6}\np = {p:.6}\nq = {q:.6}\nv = {v:.6}",
        as_of = args.as_of,
        currency = args.currency,
    )
    .map_err(LifetimeError::Write)
}

/// Reads what each account ordered up to a day.
fn read(
    source: impl Read,
    (currency, as_of): (Currency, NaiveDate),
) -> Result<BTreeMap<String, Purchased>, LifetimeError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(source);
    let headers = reader.headers()?.clone();
    let place = |name: &'static str| {
        headers.iter().position(|header| header == name).ok_or(LifetimeError::Missing(name))
    };
    let [account, on, amount, code] = COLUMNS.map(place);
    let (account, on, amount, code) = (account?, on?, amount?, code?);
    let mut purchased: BTreeMap<String, Purchased> = BTreeMap::new();
    for (at, record) in (0_u64..).zip(reader.records()) {
        if ROWS_MAX <= at {
            return Err(LifetimeError::Long);
        }
        let record = record?;
        let line = record.position().map_or(at + 2, csv::Position::line);
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let wrong =
            |place: usize, what| LifetimeError::Cell { line, text: cell(place).to_owned(), what };
        let day: NaiveDate = cell(on).parse().map_err(|_| wrong(on, "date as 2025-01-31"))?;
        let sum: Decimal = cell(amount).parse().map_err(|_| wrong(amount, "amount"))?;
        let stated: Currency =
            cell(code).to_owned().try_into().map_err(|_| wrong(code, "currency"))?;
        if stated == currency && day <= as_of {
            *purchased.entry(cell(account).to_owned()).or_default().entry(day).or_default() += sum;
        }
    }
    Ok(purchased)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_table_is_told_with_its_line() {
        let head = "account,ordered_on,amount,currency\n";
        let cases = [
            ("account,ordered_on,amount\n".to_owned(), "no column is called currency"),
            (format!("{head}a,2025-01-32,1,CNY\n"), "line 2: '2025-01-32' is no date"),
            (format!("{head}a,2025-01-31,1,CNY\na,2025-01-31,x,CNY\n"), "line 3: 'x' is no amount"),
            (format!("{head}a,2025-01-31,1,yuan\n"), "line 2: 'yuan' is no currency"),
        ];
        let currency: Currency = "CNY".to_owned().try_into().unwrap();
        let as_of: NaiveDate = "2025-01-31".parse().unwrap();
        for (text, expected) in cases {
            let told = read(text.as_bytes(), (currency, as_of)).unwrap_err().to_string();
            assert!(told.starts_with(expected), "case: {text}: {told}");
        }
        let rows =
            "a,2025-01-31,1,CNY\na,2025-01-31,2,CNY\na,2025-02-01,9,CNY\nb,2025-01-01,5,USD\n";
        let read = read(format!("{head}{rows}").as_bytes(), (currency, as_of)).unwrap();
        let expected: Purchased = [(as_of, Decimal::from(3))].into();
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [("a".to_owned(), expected)]);
    }
}
