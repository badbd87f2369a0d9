//! Reads documents of the house: each kind by its keys, with line and column where one is wrong.

use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::approval::Approvers;
use super::delivery_risk::DeliveryRisk;
use super::price_band::PriceBands;
use super::process::Process;
use crate::rule::finding::{Fault, Finding};

/// A document of some kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// Price bands.
    PriceBands(PriceBands),
    /// Who may approve.
    Approvers(Approvers),
    /// How a deal goes.
    Process(Process),
    /// What makes a delivery doubtful.
    DeliveryRisk(DeliveryRisk),
}

/// The kinds that can be read.
const KINDS: &[&str] = &["price-band", "approval", "process", "delivery-risk"];

#[derive(Deserialize)]
struct Head {
    kind: Spanned<String>,
}

/// Tells whether `text` says that it is such a document, sound or not.
pub fn is_one(text: &str) -> bool {
    states_kind(text, KINDS)
}

/// Tells whether `text` says that it is of one of `kinds`, before its first table.
pub(crate) fn states_kind(text: &str, kinds: &[&str]) -> bool {
    let kind = |line: &str| {
        let value = line.trim().strip_prefix("kind")?.trim_start().strip_prefix('=')?.trim();
        kinds.contains(&value.split('#').next()?.trim().trim_matches(['"', '\''])).then_some(())
    };
    text.lines()
        .take_while(|line| !line.trim_start().starts_with('['))
        .any(|line| kind(line).is_some())
}

/// Reads a document; fails with what is wrong, at least one finding.
pub fn parse(text: &str) -> Result<Document, Vec<Finding>> {
    let head: Head = read(text)?;
    match &**head.kind.get_ref() {
        "price-band" => {
            let bands: PriceBands = read(text)?;
            check_bands(text, &bands)?;
            Ok(Document::PriceBands(bands))
        }
        "approval" => {
            let approvers: Approvers = read(text)?;
            check_approvers(text, &approvers)?;
            Ok(Document::Approvers(approvers))
        }
        "delivery-risk" => {
            let risk: DeliveryRisk = read(text)?;
            if risk.source.is_empty() {
                let start = text.find("source").unwrap_or_default();
                let message = "no source is named, so that nothing is ever at risk";
                return Err(found(text, start..start + 6, "empty-list", message, "name one"));
            }
            Ok(Document::DeliveryRisk(risk))
        }
        "process" => {
            let process: Process = read(text)?;
            let faults = process.faults();
            if faults.is_empty() {
                return Ok(Document::Process(process));
            }
            let place = |word: &str| {
                let start = text.rfind(word).unwrap_or_default();
                start..start + word.len()
            };
            let findings = faults.into_iter().flat_map(|(word, message)| {
                found(text, place(&word), "process-fault", message, "correct it")
            });
            Err(findings.collect())
        }
        other => {
            let cure = format!("use one of: {}", KINDS.join(", "));
            Err(found(
                text,
                head.kind.span(),
                "unknown-value",
                format!("'{other}' is no kind"),
                cure,
            ))
        }
    }
}

/// Reads what is written; fails at the place where it is not what it should be.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Finding>> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        let cure = "correct it; `upturn schema` prints what each document may hold";
        found(text, span, "wrong-document", message, cure)
    })
}

pub(crate) fn found(
    text: &str,
    span: Range<usize>,
    code: &'static str,
    message: impl Into<String>,
    cure: impl Into<String>,
) -> Vec<Finding> {
    vec![Finding::error(text, span, Fault::new(code, message, cure))]
}

/// Returns where the `count`-th table `[[name]]` begins, counted from 0.
pub(crate) fn table(text: &str, name: &str, count: usize) -> Range<usize> {
    let header = format!("[[{name}]]");
    text.match_indices(&header)
        .nth(count)
        .map_or(0..0, |(start, header)| start..start + header.len())
}

fn check_bands(text: &str, bands: &PriceBands) -> Result<(), Vec<Finding>> {
    let mut findings = Vec::new();
    for (index, band) in bands.band.iter().enumerate() {
        let place = || table(text, "band", index);
        if band.floor.0 <= rust_decimal::Decimal::ZERO {
            let message = format!("a floor of {} is no price", band.floor);
            findings.extend(found(text, place(), "out-of-range", message, "give one above 0"));
        }
        let is_same = |other: &&super::price_band::Band| {
            (&other.role, &other.product, other.currency)
                == (&band.role, &band.product, band.currency)
        };
        if bands.band.iter().take(index).any(|other| is_same(&other)) {
            let message = format!(
                "role '{}' has two bands for '{}' in {}",
                band.role, band.product, band.currency
            );
            findings.extend(found(text, place(), "twice", message, "keep one of them"));
        }
        if band.currency.decimals().is_none() {
            let message = format!("{} is no currency that people pay in", band.currency);
            let cure = "use a code of ISO 4217";
            findings.extend(found(text, place(), "unknown-value", message, cure));
        }
    }
    let limits = [Some(bands.tolerance_percent), bands.gifts_max_percent];
    let names = ["tolerance_percent", "gifts_max_percent"];
    for (limit, name) in limits.into_iter().zip(names) {
        let is_percent = |limit: rust_decimal::Decimal| {
            (rust_decimal::Decimal::ZERO..=rust_decimal::Decimal::ONE_HUNDRED).contains(&limit)
        };
        if limit.is_some_and(|limit| !is_percent(limit.0)) {
            let start = text.find(name).unwrap_or_default();
            let message = format!("'{name}' is no percentage from 0 to 100");
            let span = start..start + name.len();
            findings.extend(found(text, span, "out-of-range", message, "correct it"));
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

fn check_approvers(text: &str, approvers: &Approvers) -> Result<(), Vec<Finding>> {
    let start = text.find("tier").unwrap_or_default();
    let span = start..start + "tier".len();
    let amounts: Vec<_> = approvers.tier.iter().map(|tier| tier.under).collect();
    let Some((None, under)) = amounts.split_last() else {
        let message = "the last tier has a limit, or there is none: beyond it nobody could approve";
        return Err(found(text, span, "no-end", message, "leave out 'under' in the last tier"));
    };
    let grows = under.windows(2).all(|pair| matches!(pair, [one, other] if one < other));
    if !grows || under.iter().any(Option::is_none) {
        let message = "the limits of the tiers do not grow";
        return Err(found(text, span, "out-of-order", message, "order the tiers by 'under'"));
    }
    for (index, delegation) in approvers.delegation.iter().enumerate() {
        let place = table(text, "delegation", index);
        if delegation.until < delegation.from {
            let message = format!("it ends on {}, before it begins", delegation.until);
            return Err(found(text, place, "out-of-order", message, "correct one of the days"));
        }
        if !approvers.people.contains_key(&delegation.of) {
            let message = format!("'{}' has no role to stand in for", delegation.of);
            return Err(found(text, place, "unknown-value", message, "name them under [people]"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_line_and_column() {
        let band = "[[band]]\nrole = \"a\"\nproduct = \"p\"\ncurrency = \"CNY\"\nfloor = ";
        let bands = "id = \"b\"\nkind = \"price-band\"\n";
        let approvals = "id = \"a\"\nkind = \"approval\"\ncurrency = \"CNY\"\n";
        let cases = [
            ("id = \"a\"\nkind = \"price\"\n".to_owned(), "2:8 unknown-value"),
            (format!("{bands}toleranse = 3\n{band}1\n"), "3:1 wrong-document"),
            (format!("{bands}{band}1.5\n"), "7:9 wrong-document"),
            (format!("{bands}{band}0\n"), "3:1 out-of-range"),
            (format!("{bands}{band}1\n{band}2\n"), "8:1 twice"),
            (format!("{bands}tolerance_percent = 300\n{band}1\n"), "3:1 out-of-range"),
            (format!("{approvals}tier = [{{ under = 5, role = \"a\" }}]\n"), "4:1 no-end"),
            (
                format!(
                    "{approvals}tier = [{{ under = 5, role = \"a\" }}, \
                     {{ under = 4, role = \"b\" }}, {{ role = \"c\" }}]\n"
                ),
                "4:1 out-of-order",
            ),
        ];
        for (text, expected) in cases {
            let finding = parse(&text).unwrap_err().remove(0);
            let told = format!("{}:{} {}", finding.line, finding.column, finding.code);
            assert_eq!(told, expected, "case: {text}: {}", finding.message);
        }
    }
}
