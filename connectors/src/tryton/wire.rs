//! How Tryton's REST interface writes questions, values and answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use url::Url;

use crate::deliver::failure::Failure;
use crate::http::Answer;
use crate::http::header::CONTENT_TYPE;

/// `{"active_test": false}`: records count though they are archived, else copies would be made.
pub(crate) const ALSO_INACTIVE: &str = "eyJhY3RpdmVfdGVzdCI6IGZhbHNlfQ==";

/// Returns the address of all records of `name`.
pub(crate) fn model(base: &Url, name: &str) -> Url {
    under(base, &["rest", "model", name])
}

/// Returns the address at which records of `name` in `domain` are found, with `fields` of each.
pub(crate) fn search(base: &Url, name: &str, domain: &Value, fields: &[&str]) -> Url {
    let mut url = model(base, name);
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("d", &URL_SAFE.encode(domain.to_string()));
        for field in fields {
            query.append_pair("f", field);
        }
        query.append_pair("s", "100");
    }
    url
}

/// Records that are read page by page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'p> {
    /// Of which model.
    pub(crate) model: &'p str,
    /// Which of them.
    pub(crate) domain: &'p [Value],
    /// What of each; a field of a field behind a point.
    pub(crate) fields: &'p [&'p str],
    /// As whom and of where, as an object.
    pub(crate) context: &'p Value,
}

/// How many records a page has at most.
pub(crate) const PAGE: usize = 500;

impl Page<'_> {
    /// Returns the address of the page behind the record `after`.
    pub(crate) fn url(&self, base: &Url, after: i64) -> Url {
        let domain: Vec<_> =
            self.domain.iter().cloned().chain([json!(["id", ">", after])]).collect();
        let mut url = model(base, self.model);
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("d", &URL_SAFE.encode(Value::Array(domain).to_string()));
            query.append_pair("o", &URL_SAFE.encode(json!([["id", "ASC"]]).to_string()));
            query.append_pair("s", &PAGE.to_string());
            for field in self.fields {
                query.append_pair("f", field);
            }
        }
        url
    }
}

/// Returns a context as a header.
pub(crate) fn context(context: &Value) -> String {
    URL_SAFE.encode(context.to_string())
}

/// Reads a day as Tryton writes it.
pub(crate) fn day(value: Option<&Value>) -> Option<NaiveDate> {
    let part = |name: &str| value?.get(name)?.as_i64();
    let (year, month, day) = (part("year")?, part("month")?, part("day")?);
    NaiveDate::from_ymd_opt(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)
}

/// Reads a number as text, its digits as they came: a decimal, a whole number, or a float without part.
pub(crate) fn number(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Number(number) => {
            let text = number.to_string();
            Some(text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned))
        }
        Value::Object(decimal) => decimal.get("decimal")?.as_str().map(str::to_owned),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => None,
    }
}

/// Returns the address at which `name` of a record is pressed.
pub(crate) fn button(base: &Url, model: &str, id: i64, name: &str) -> Url {
    under(base, &["rest", "model", model, &id.to_string(), name])
}

/// Returns where a person finds the record in the web client.
pub(crate) fn page(base: &Url, model: &str, id: i64) -> Option<Url> {
    let database = base.path_segments()?.next_back()?;
    let mut page = base.clone();
    page.path_segments_mut().ok()?.pop().push("");
    page.set_fragment(Some(&format!("{database}/model/{model}/{id}")));
    Some(page)
}

fn under(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.extend(path);
    }
    url
}

/// Returns a day as Tryton writes it.
pub(crate) fn date(day: NaiveDate) -> Value {
    json!({"__class__": "date", "year": day.year(), "month": day.month(), "day": day.day()})
}

/// Returns an amount as Tryton writes it: digits as text, never a float.
pub(crate) fn decimal(amount: &str) -> Value {
    json!({"__class__": "Decimal", "decimal": amount})
}

/// Reads a time as Tryton writes it, to the second.
pub(crate) fn time(value: Option<&Value>) -> Option<DateTime<Utc>> {
    let value = value?;
    let part =
        |name: &str| value.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let year = value.get("year").and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok());
    let day = NaiveDate::from_ymd_opt(year?, part("month")?, part("day")?)?;
    let time = day.and_hms_opt(part("hour")?, part("minute")?, part("second")?)?;
    Some(time.and_utc())
}

/// Tells whether a value is true; databases write it as a number or not at all.
pub(crate) fn truth(value: Option<&Value>) -> bool {
    !matches!(value, Some(Value::Bool(false))) && value.and_then(Value::as_i64) != Some(0)
}

/// Reads the records an answer lists.
pub(crate) fn records(answer: &Answer) -> Result<Vec<Map<String, Value>>, Failure> {
    serde_json::from_slice(&answer.body).map_err(|_| not_understood())
}

/// Reads the record an answer shows.
pub(crate) fn record(answer: &Answer) -> Result<Map<String, Value>, Failure> {
    serde_json::from_slice(&answer.body).map_err(|_| not_understood())
}

/// Returns a record's id.
pub(crate) fn id(record: &Map<String, Value>) -> Result<i64, Failure> {
    record.get("id").and_then(Value::as_i64).ok_or_else(not_understood)
}

fn not_understood() -> Failure {
    Failure::later("its answer is not Tryton's; check 'url', and what stands between")
}

/// Returns what Tryton says about a failure; its pages for browsers say nothing.
pub(crate) fn said(answer: &Answer) -> String {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    let text = answer.text();
    let is_page = is_page || text.trim_start().starts_with('<');
    match serde_json::from_str::<Value>(&text) {
        Ok(error) => match error.get("message").and_then(Value::as_str) {
            Some(message) => message.to_owned(),
            None => text,
        },
        Err(_) if is_page => String::new(),
        Err(_) => text,
    }
}

/// Returns what people call a record of `model`.
pub(crate) fn in_words(model: &str) -> &str {
    match model {
        "party.party" => "party",
        "currency.currency" => "currency",
        "company.employee" => "employee whose party is one",
        "stock.location" => "location",
        "product.product" => "product",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::http::header::HeaderMap;

    #[test]
    fn addresses_and_values_are_as_tryton_writes_them() {
        let base = Url::parse("https://erp.example/t/db").unwrap();
        let domain = json!([["reference", "=", "a&b?ü"]]);
        let url = search(&base, "sale.opportunity", &domain, &["state"]);
        assert!(
            url.as_str().starts_with("https://erp.example/t/db/rest/model/sale.opportunity?d=")
        );
        let sent = url.query_pairs().next().unwrap().1.into_owned();
        assert_eq!(URL_SAFE.decode(sent).unwrap(), domain.to_string().into_bytes());
        assert_eq!(
            page(&base, "sale.opportunity", 7).unwrap().as_str(),
            "https://erp.example/t/#db/model/sale.opportunity/7"
        );
        assert_eq!(URL_SAFE.decode(ALSO_INACTIVE).unwrap(), br#"{"active_test": false}"#);
        let at = json!({"__class__": "datetime", "year": 2026, "month": 11, "day": 22, "hour": 11,
                        "minute": 49, "second": 31, "microsecond": 5});
        assert_eq!(time(Some(&at)).unwrap().to_rfc3339(), "2026-11-22T11:49:31+00:00");
        assert_eq!(time(Some(&Value::Null)), None);
        for (value, expected) in [(json!(0), false), (json!(false), false), (json!(1), true)] {
            assert_eq!(truth(Some(&value)), expected, "case: {value}");
        }
    }

    #[test]
    fn a_failure_is_told_in_tryton_s_words_and_without_its_pages() {
        let cases = [
            ("text/html; charset=utf-8", "<!doctype html><h1>Unauthorized</h1>", ""),
            (
                "application/json",
                r#"{"status": 400, "message": "A value is required"}"#,
                "A value is required",
            ),
            ("text/plain", "busy", "busy"),
        ];
        for (kind, body, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            let body = Bytes::from_static(body.as_bytes());
            let answer = Answer { status: 400, headers, body, retry_after: None };
            assert_eq!(said(&answer), expected, "case: {kind}");
        }
    }
}
