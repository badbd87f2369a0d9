//! Cells of a row, each read into what it says or refused with a reason.

use std::str::FromStr;

use chrono::NaiveDate;

use crate::registry::table::Row;

/// Returns the text in `column`, which has to be there.
pub(in crate::cli::stock) fn text<'r>(row: Row<'r>, column: &str) -> Result<&'r str, String> {
    row.find(column).ok_or_else(|| format!("{column} is empty; fill it in"))
}

/// Returns the number in `column`, `default` if it is empty.
pub(in crate::cli::stock) fn count(
    row: Row<'_>,
    column: &str,
    default: u32,
) -> Result<u32, String> {
    let Some(text) = row.find(column) else { return Ok(default) };
    if text.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())) {
        return Err(format!("{column} is {text}, below 0; count again, or correct it"));
    }
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_digits => Ok(number),
        Err(_) if is_digits => {
            Err(format!("{column} is {text}, more than {}; count it in packs", u32::MAX))
        }
        Ok(_) | Err(_) => Err(format!("{column} is '{text}'; write a whole number, as 12")),
    }
}

/// Returns the day in `column`, which has to be there.
pub(in crate::cli::stock) fn day(row: Row<'_>, column: &str) -> Result<NaiveDate, String> {
    find_day(row, column)?.ok_or_else(|| format!("{column} is empty; write a day, as 2025-01-28"))
}

/// Returns the day in `column`, if there is one.
pub(in crate::cli::stock) fn find_day(
    row: Row<'_>,
    column: &str,
) -> Result<Option<NaiveDate>, String> {
    let Some(text) = row.find(column) else { return Ok(None) };
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    day.map(Some).ok_or_else(|| format!("{column} is '{text}'; write a day, as 2025-01-28"))
}

/// Returns the days from `from` to `to`, which do not go backwards.
pub(in crate::cli::stock) fn days(row: Row<'_>) -> Result<(NaiveDate, NaiveDate), String> {
    let first_on = day(row, "from")?;
    let last_on = find_day(row, "to")?.unwrap_or(first_on);
    if last_on < first_on {
        return Err(format!("to is {last_on}, before from, {first_on}; exchange them"));
    }
    Ok((first_on, last_on))
}

/// Returns what `column` says as a `T`, if it says anything; `example` is what would be right.
pub(in crate::cli::stock) fn find<T: FromStr>(
    row: Row<'_>,
    column: &str,
    example: &str,
) -> Result<Option<T>, String> {
    let Some(text) = row.find(column) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{column} is '{text}'; write {example}"))
}

/// Returns the probability in `column`: `0.683` or `68.3%`.
pub(in crate::cli::stock) fn probability(row: Row<'_>, column: &str) -> Result<f64, String> {
    let cell = text(row, column)?;
    let wrong = || format!("{column} is '{cell}'; write a probability, as 0.683 or 68.3%");
    let number: rust_decimal::Decimal = match cell.strip_suffix('%') {
        Some(percent) => {
            let percent: rust_decimal::Decimal = percent.trim().parse().map_err(|_| wrong())?;
            percent / rust_decimal::Decimal::ONE_HUNDRED
        }
        None => cell.parse().map_err(|_| wrong())?,
    };
    f64::try_from(number).ok().filter(|number| (0.0..=1.0).contains(number)).ok_or_else(wrong)
}
