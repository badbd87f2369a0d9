//! Letters as Tryton's records, and how those end.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Number, Value, json};

use super::{Company, wire};
use crate::deliver::channel::{Progress, RecordState};
use crate::deliver::failure::Failure;
use crate::deliver::letter::Letter;

/// What a letter becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// A lead or an opportunity.
    Opportunity,
    /// Goods that move between our own places.
    Shipment,
}

/// A record that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What it is.
    pub model: Model,
    /// Its id.
    pub id: i64,
    /// How it stands.
    pub state: String,
}

/// What an advice says, as its letter states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// The code of the place that gives.
    pub from: String,
    /// The code of the place that gets.
    pub to: String,
    /// The code of the product.
    pub product: String,
    quantity: Number,
    ship_on: Option<NaiveDate>,
    arrive_on: Option<NaiveDate>,
}

/// What an advice names, as Tryton knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    /// The company whose goods they are.
    pub company: i64,
    /// The place that gives.
    pub from: i64,
    /// The place that gets.
    pub to: i64,
    /// The product.
    pub product: i64,
    /// The unit it is counted in.
    pub unit: i64,
}

/// How long a record's one line may be, in characters.
const LINE_MAX: usize = 200;
/// How long its text may be, in characters.
const TEXT_MAX: usize = 8_000;

impl Model {
    /// Returns what `letter` becomes.
    pub(super) fn of(letter: &Letter) -> Self {
        if letter.kind.starts_with("advice-") { Self::Shipment } else { Self::Opportunity }
    }

    /// Returns its name in Tryton.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Opportunity => "sale.opportunity",
            Self::Shipment => "stock.shipment.internal",
        }
    }
}

impl Found {
    /// Reads a record with its state.
    pub(super) fn read(model: Model, record: &Map<String, Value>) -> Option<Self> {
        let state = record.get("state").and_then(Value::as_str).unwrap_or_default();
        Some(Self { model, id: record.get("id")?.as_i64()?, state: state.to_owned() })
    }

    /// Returns the id by which we know it: `sale.opportunity,7`.
    pub(super) fn remote(&self) -> String {
        format!("{},{}", self.model.name(), self.id)
    }

    /// Reads what [`Found::remote`] wrote.
    pub(super) fn id_in(remote: &str) -> Option<(Model, i64)> {
        let (name, id) = remote.split_once(',')?;
        let models = [Model::Opportunity, Model::Shipment];
        let model = models.into_iter().find(|model| model.name() == name)?;
        Some((model, id.parse().ok()?))
    }

    /// Tells whether `letter` takes back what nobody works on yet.
    pub(super) fn is_to_be_cancelled(&self, letter: &Letter) -> bool {
        takes_back(letter) && matches!(&*self.state, "lead" | "request" | "draft")
    }
}

/// Tells whether `letter` says that nothing is to be done after all.
pub(super) fn takes_back(letter: &Letter) -> bool {
    letter.kind.ends_with("-withdrawn") || letter.kind.ends_with("-dismissed")
}

/// Returns the values of a new opportunity.
///
/// Fails where the letter's amount is none.
pub(super) fn opportunity(
    letter: &Letter,
    company: Company,
    party: Option<i64>,
    further: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Map<String, Value>, Failure> {
    let at = letter.field("at").and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    let day = at.map_or(now, |at| at.to_utc()).date_naive();
    let mut values = Map::new();
    let mut set = |name: &str, value: Value| values.insert(name.to_owned(), value);
    set("company", json!(company.id));
    set("currency", json!(company.currency));
    set("reference", json!(letter.reference()));
    set("description", json!(line(&letter.text.title)));
    set("comment", json!(text(&letter.text.plain)));
    set("start_date", wire::date(day));
    if let Some(party) = party {
        set("party", json!(party));
    }
    if let Some(employee) = company.employee {
        set("employee", json!(employee));
    }
    if let Some(amount) = letter.field("amount") {
        if !is_decimal(amount) {
            return Err(Failure::refused("the letter's amount is no decimal number"));
        }
        set("amount", wire::decimal(amount));
    }
    values.extend(further.clone());
    Ok(values)
}

/// Returns the values of a new internal shipment.
pub(super) fn shipment(letter: &Letter, advice: &Advice, ids: Ids) -> Map<String, Value> {
    let mut goods = json!({
        "company": ids.company, "product": ids.product, "unit": ids.unit,
        "quantity": advice.quantity, "from_location": ids.from, "to_location": ids.to,
    });
    let mut values = Map::new();
    let mut set = |name: &str, value: Value| values.insert(name.to_owned(), value);
    set("company", json!(ids.company));
    set("reference", json!(letter.reference()));
    set("from_location", json!(ids.from));
    set("to_location", json!(ids.to));
    if let Some(day) = advice.arrive_on {
        set("planned_date", wire::date(day));
        if let Some(goods) = goods.as_object_mut() {
            goods.insert("planned_date".to_owned(), wire::date(day));
        }
    }
    // Tryton wants the first day wherever it has the last.
    if let Some(day) = advice.ship_on.or(advice.arrive_on) {
        set("planned_start_date", wire::date(day));
    }
    set("moves", json!([["create", [goods]]]));
    values
}

impl Advice {
    /// Reads what `letter` advises.
    ///
    /// Fails, naming what is missing or wrong, where that is no shipment.
    pub(super) fn read(letter: &Letter) -> Result<Self, Failure> {
        let wrong =
            |name: &str, what: &str| Failure::refused(format!("the advice's '{name}' {what}"));
        let code = |name: &str| {
            letter.field(name).map(str::to_owned).ok_or_else(|| wrong(name, "is missing"))
        };
        let day = |name: &str| match letter.field(name) {
            None => Ok(None),
            Some(day) => day.parse().map(Some).map_err(|_| wrong(name, "is no day: 2026-01-26")),
        };
        let quantity = match letter.body.get("quantity") {
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(number)) => number.clone(),
            _ => return Err(wrong("quantity", "is missing")),
        };
        if !is_decimal(&quantity)
            || quantity.starts_with('-')
            || !quantity.contains(|c| ('1'..='9').contains(&c))
        {
            return Err(wrong("quantity", "is no number above 0"));
        }
        let quantity = quantity.parse().map_err(|_| wrong("quantity", "is no number above 0"))?;
        Ok(Self {
            from: code("from")?,
            to: code("to")?,
            product: code("product")?,
            quantity,
            ship_on: day("ship_on")?,
            arrive_on: day("arrive_on")?,
        })
    }
}

/// Returns the note that `letter` adds to a record.
pub(super) fn note(letter: &Letter) -> String {
    let (title, plain) = (line(&letter.text.title), text(&letter.text.plain));
    format!("{title}\n\n{plain}\n{}", mark(letter))
}

/// Returns the mark by which a letter's note is known again.
pub(super) fn mark(letter: &Letter) -> String {
    let key: String = letter.key.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("[upturn:letter:{key}]")
}

/// Reads how a record stands.
pub(super) fn state(model: Model, record: &Map<String, Value>) -> Option<RecordState> {
    let found = Found::read(model, record)?;
    let progress = match &*found.state {
        "converted" | "won" | "done" => Progress::Done,
        "lost" | "cancelled" => Progress::Dismissed,
        _ => Progress::Open,
    };
    Some(RecordState { remote: found.remote(), progress, at: wire::time(record.get("write_date")) })
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 40 && all(whole) && all(part) && (whole == "0" || !whole.starts_with('0'))
}

fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_MAX).collect()
}

fn text(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::letter::Text;

    fn letter(kind: &str, body: Value) -> Letter {
        Letter {
            key: "ab".repeat(32),
            kind: kind.to_owned(),
            subject: "t1".to_owned(),
            body,
            text: Text {
                title: "a\r\nb".to_owned(),
                plain: "x\r\ny\u{0}".to_owned(),
                ..Text::default()
            },
            recipient: None,
            remote: None,
        }
    }

    #[test]
    fn an_opportunity_has_tagged_values_and_no_float() {
        let body = json!({"at": "2026-01-20T23:30:00-02:00", "amount": "52000.10"});
        let company = Company { id: 1, currency: 2, employee: Some(3) };
        let further = json!({"probability": null}).as_object().unwrap().clone();
        let letter = letter("requirement-created", body);
        let values =
            opportunity(&letter, company, Some(4), &further, DateTime::UNIX_EPOCH).unwrap();
        let expected = json!({
            "company": 1, "currency": 2, "employee": 3, "party": 4,
            "reference": "upturn:requirement:t1", "description": "a  b", "comment": "x\ny",
            "start_date": {"__class__": "date", "year": 2026, "month": 1, "day": 21},
            "amount": {"__class__": "Decimal", "decimal": "52000.10"}, "probability": null,
        });
        assert_eq!(Value::Object(values), expected);
        for amount in ["1e5", "", "1,5", "NaN", "--1", "1.", "01"] {
            let letter = self::letter("task-created", json!({"amount": amount}));
            let refused = opportunity(&letter, company, None, &further, DateTime::UNIX_EPOCH);
            assert!(matches!(refused, Err(Failure::Refused { .. })), "case: {amount}");
        }
    }

    #[test]
    fn an_advice_becomes_a_shipment_or_says_what_is_missing() {
        let body = json!({"from": "STO", "to": "WEST", "product": "VENT-12", "quantity": "8.5",
                          "ship_on": "2026-01-26", "arrive_on": "2026-01-27"});
        let good = letter("advice-created", body.clone());
        let ids = Ids { company: 1, from: 2, to: 3, product: 4, unit: 5 };
        let values = Value::Object(shipment(&good, &Advice::read(&good).unwrap(), ids));
        assert_eq!(values["moves"][0][1][0]["quantity"].to_string(), "8.5");
        assert_eq!(values["planned_start_date"]["day"], 26);
        assert_eq!(values["planned_date"]["day"], 27);
        assert_eq!(values["reference"], "upturn:advice:t1");
        for (name, value) in [
            ("quantity", json!(0)),
            ("quantity", json!("-1")),
            ("quantity", json!("1e3")),
            ("quantity", json!(null)),
            ("from", json!(3)),
            ("product", json!(null)),
            ("ship_on", json!("soon")),
        ] {
            let mut body = body.clone();
            body[name] = value.clone();
            let refused = Advice::read(&letter("advice-created", body)).unwrap_err().to_string();
            assert!(refused.contains(name), "case: {name} {value}: {refused}");
        }
    }

    #[test]
    fn what_people_did_there_is_read() {
        let cases = [
            (Model::Opportunity, "lead", Progress::Open),
            (Model::Opportunity, "opportunity", Progress::Open),
            (Model::Opportunity, "converted", Progress::Done),
            (Model::Opportunity, "won", Progress::Done),
            (Model::Opportunity, "lost", Progress::Dismissed),
            (Model::Opportunity, "cancelled", Progress::Dismissed),
            (Model::Shipment, "shipped", Progress::Open),
            (Model::Shipment, "done", Progress::Done),
        ];
        for (model, name, expected) in cases {
            let record = json!({"id": 7, "state": name, "write_date": null});
            let state = state(model, record.as_object().unwrap()).unwrap();
            assert_eq!(state.progress, expected, "case: {name}");
            assert_eq!(Found::id_in(&state.remote), Some((model, 7)), "case: {name}");
        }
        assert_eq!(Found::id_in("res.user,1"), None);
    }
}
