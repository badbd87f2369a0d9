//! Open Exchange Rates: what one unit of a base, the US dollar mostly, is worth in all currencies.
//!
//! **What it reads** `latest.json` and `historical/*.json`: an instant, a base, rates.
//! **Licence** the service's terms forbid handing the data on.

use chrono_tz::Tz;
use rust_decimal::Decimal;
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::fact::rate_book::Publication;
use upturn_core::fact::review::Limits;

use super::Sheet;
use crate::feed::source::Source;
use crate::feed::supply::Need;
use crate::feed::supply::Supply;
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec!["https://openexchangerates.org/api/latest.json?app_id={app_id}".to_owned()],
        ..Source::default()
    },
    limits: Limits { publication: Publication::Daily, ..Supply::RATES.limits },
    secrets: &[Need {
        name: "app_id",
        about: "The App ID of your account at Open Exchange Rates.",
    }],
    credit: "Open Exchange Rates; its terms forbid handing the data on.",
    ..Supply::RATES
};

/// Reads an answer of Open Exchange Rates; the day is that of its instant in `zone`.
pub fn read(bytes: &[u8], zone: Tz) -> Result<Vec<Rate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let members: Members<'_> = json::read(&text)?;
    if members.get("error").is_some() {
        let said = |name| members.text(name).unwrap_or_default().into_owned();
        let said = format!(
            "it says: {} ({})",
            number::short(&said("description")),
            number::short(&said("message"))
        );
        return Err(ReadError::broken(said));
    }
    let base = members.text("base")?;
    let base = base.parse().map_err(|error| ReadError::at("/base", format!("{error}")))?;
    let date = number::day(&members.text("timestamp")?, "unix", zone)
        .map_err(|what| ReadError::at("/timestamp", what))?;
    let rates: Members<'_> = json::part(members.need("rates")?, "/rates")?;
    let mut sheet = Sheet::default();
    for (code, value) in rates.0 {
        let Ok(quote) = code.parse() else { continue };
        // The base in itself.
        if quote == base {
            continue;
        }
        let place = format!("/rates/{code}");
        let text = json::scalar(value).map_err(|what| ReadError::at(&place, what))?;
        let value = number::price(&text).map_err(|what| ReadError::at(&place, what))?;
        let unit = Decimal::ONE;
        sheet.push(Rate { base, quote, unit, value, date, purpose: Purpose::Spot, until: None })?;
    }
    sheet.close()
}
