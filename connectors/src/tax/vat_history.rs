//! VAT since 1967, by day and territory.
//!
//! **What it reads** the CSV of kdeldycke/vat-rates: fractions, periods without their last day, and
//! cells with several territories, one a line: `ES` a country, `ES-CN` a part of one, `AT-6691` a town
//! by its postcode.

use upturn_core::fact::tax::{Bounds, Category, Levy, Scope, TaxRate, Territory};
use upturn_core::fact::validity::Validity;

use super::{close, country, days_before, percent_of_fraction};
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::tree::{self, Path, Spot};
use crate::read::{ReadError, number, text};

const SOURCE: &str = "vat-history";

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec![
            "https://raw.githubusercontent.com/kdeldycke/vat-rates/HEAD/vat_rates.csv".to_owned(),
        ],
        ..Source::default()
    },
    credit: "kdeldycke/vat-rates; BSD licence with two clauses.",
    ..Supply::TAXES
};

/// Reads the table.
pub fn read(bytes: &[u8]) -> Result<Vec<TaxRate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let table = tree::of_table(&text, 1, b',')?;
    let mut rates = Vec::new();
    for row in Spot::root(&table).all(&Path::read("/rows/*")) {
        of_row(&row, &mut rates).map_err(|error| error.within(&row.place()))?;
    }
    close(rates)
}

fn of_row(row: &Spot<'_>, rates: &mut Vec<TaxRate>) -> Result<(), ReadError> {
    let cell = |name: &str| {
        let cell = row.text(&Path::read(name));
        cell.ok_or_else(|| ReadError::at(format!("/{name}"), "the cell is missing"))
    };
    let day = |name: &str| {
        let text = cell(name)?;
        let day = (!text.is_empty()).then(|| number::iso_day(text)).transpose();
        day.map_err(|what| ReadError::at(format!("/{name}"), what))
    };
    let valid = days_before(day("start_date")?, day("stop_date")?)
        .map_err(|what| ReadError::at("/stop_date", what))?;
    let percent =
        percent_of_fraction(cell("rate")?).map_err(|what| ReadError::at("/rate", what))?;
    let label = cell("rate_type")?;
    let category = match label {
        "standard" => Category::Standard,
        "reduced" => Category::Reduced,
        "super_reduced" => Category::SuperReduced,
        "parking" => Category::Parking,
        _ => return Err(ReadError::at("/rate_type", "it is no kind of rate that is known")),
    };
    let (codes, description) = (cell("territory_codes")?, cell("description")?);
    let mut added = false;
    for code in codes.lines().map(str::trim).filter(|code| !code.is_empty()) {
        added = true;
        let (of, part) = match code.split_once('-') {
            Some((of, part)) => (of, Some(part)),
            None => (code, None),
        };
        let country = country(of).map_err(|what| ReadError::at("/territory_codes", what))?;
        rates.push(TaxRate {
            source: SOURCE.to_owned(),
            rule: rule(country.as_str(), part, label, valid),
            country,
            region: None,
            territory: part.map(|part| Territory {
                name: name(description, part),
                bounds: Bounds::Codes(vec![part.to_owned()]),
            }),
            levy: Levy::Vat,
            category,
            label: label.to_owned(),
            percent,
            is_supplement: false,
            scope: Scope::default(),
            valid,
        });
    }
    if added { Ok(()) } else { Err(ReadError::at("/territory_codes", "there is none")) }
}

fn rule(country: &str, part: Option<&str>, label: &str, valid: Validity) -> String {
    let part = part.map(|part| format!("-{part}")).unwrap_or_default();
    let from = valid.from().map_or_else(|| "always".to_owned(), |from| from.to_string());
    format!("{country}{part}/{label}/{from}")
}

/// Returns the territory's name: what stands before the remark in brackets.
fn name(description: &str, code: &str) -> String {
    let last = description.lines().last().unwrap_or_default();
    let name = last.split(" (").next().unwrap_or_default().trim();
    if name.is_empty() { code.to_owned() } else { name.chars().take(100).collect() }
}
