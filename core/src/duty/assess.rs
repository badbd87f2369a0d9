//! Which measures of a tariff apply to goods: one candidate, or all of them and what would decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::evaluate::{Amount, Basis, Need};
use super::territory::customs_territory;
use crate::fact::duty::{Charge, Kind, Measure};
use crate::fact::place::Country;
use crate::money::Currency;

/// How many digits the code of goods has in a declaration.
const CODE_LEN: usize = 10;

/// What is asked of a tariff.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Where the goods go.
    pub destination: Country,
    /// Their code: 10 digits.
    pub commodity: &'a str,
    /// Where they have their origin.
    pub origin: Country,
    /// The day of the declaration.
    pub day: NaiveDate,
    /// The additional codes the declaration will state: none yet said, or exactly these.
    pub additional_codes: Option<&'a [&'a str]>,
    /// Whether the origin can be proved, as preferences demand.
    pub has_proof_of_origin: bool,
    /// The rule of an option that is to be claimed: a suspension, a quota, one of several preferences.
    pub claim: Option<&'a str>,
}

/// What a tariff says on goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessment<'m> {
    /// The customs territory whose measures these are.
    pub territory: Country,
    /// The duty, with what is added to it.
    pub duty: Decision<'m>,
    /// Excise.
    pub excise: Decision<'m>,
    /// Value added tax, where the tariff tells it.
    pub vat: Decision<'m>,
    /// What might be claimed instead of the duty: preferences without proof, suspensions, quotas.
    pub options: Vec<&'m Measure>,
    /// Prohibitions and controls. None of them is a charge; each stops the deal until it is settled.
    pub stops: Vec<&'m Measure>,
    /// Units that the declaration must state.
    pub units: Vec<&'m Measure>,
}

/// What is levied of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision<'m> {
    /// The tariff says nothing of it.
    Nothing,
    /// It is this.
    One(Candidate<'m>),
    /// A person has to decide.
    NeedsPerson(Open<'m>),
}

/// What may be levied: a measure, and those that are added to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate<'m> {
    /// The measure.
    pub base: &'m Measure,
    /// What is added.
    pub additional: Vec<&'m Measure>,
    /// Others that levy exactly the same as the base, so that nobody has to decide between them.
    pub same: Vec<&'m Measure>,
}

/// What a person has to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open<'m> {
    /// All that may be levied.
    pub candidates: Vec<Candidate<'m>>,
    /// What would decide.
    pub questions: Vec<Why>,
}

/// Why a person has to decide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No measure is known.
    NoMeasure {
        /// The territory.
        territory: Country,
        /// The goods.
        commodity: String,
        /// The day.
        day: NaiveDate,
    },
    /// It depends on which of these additional codes is declared.
    AdditionalCode(Vec<String>),
    /// These rules all apply and differ.
    Several(Vec<String>),
    /// The charge of this rule is not read.
    Unread {
        /// The rule.
        rule: String,
        /// Why.
        why: String,
    },
    /// What this rule levies depends on its conditions.
    Conditions(String),
    /// This rule is of a kind that nobody here reckons.
    Kind {
        /// The rule.
        rule: String,
        /// What the tariff calls it.
        name: String,
    },
    /// The claimed rule is no option of these goods.
    Claim(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMeasure { territory, commodity, day } => {
                write!(f, "no duty of {territory} is known for {commodity} on {day}")
            }
            Self::AdditionalCode(codes) => {
                write!(f, "it depends on the additional code: {}", codes.join(", "))
            }
            Self::Several(rules) => write!(f, "several rules apply: {}", rules.join(", ")),
            Self::Unread { rule, why } => write!(f, "the charge of rule {rule} is not read: {why}"),
            Self::Conditions(rule) => write!(f, "rule {rule} depends on its conditions"),
            Self::Kind { rule, name } => write!(f, "rule {rule} ('{name}') needs a look"),
            Self::Claim(rule) => write!(f, "rule {rule} cannot be claimed for these goods"),
        }
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a question cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The code is a heading, or no code.
    #[error("'{0}' is no code of goods that can be declared; give its 10 digits")]
    NotDeclarable(String),
}

/// What a candidate comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Total {
    /// All of it together.
    pub amount: Decimal,
    /// Its currency.
    pub currency: Currency,
    /// What each rule comes to.
    pub parts: Vec<Part>,
}

/// What a rule comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The source.
    pub source: String,
    /// The rule.
    pub rule: String,
    /// The amount.
    pub amount: Amount,
}

impl Candidate<'_> {
    /// Returns what it comes to, or all that is missing.
    pub fn evaluate(&self, basis: &Basis<'_>) -> Result<Total, Vec<Need>> {
        let mut total =
            Total { amount: Decimal::ZERO, currency: basis.currency, parts: Vec::new() };
        let mut needs = Vec::new();
        for measure in std::iter::once(&self.base).chain(&self.additional) {
            let Charge::Duty(expression) = &measure.charge else { continue };
            match expression.evaluate(basis) {
                Ok(amount) => {
                    match total.amount.checked_add(amount.amount) {
                        Some(sum) => total.amount = sum,
                        None => needs.push(Need::Digits),
                    }
                    let (source, rule) = (measure.source.clone(), measure.rule.clone());
                    total.parts.push(Part { source, rule, amount });
                }
                Err(missing) => needs.extend(missing),
            }
        }
        if needs.is_empty() { Ok(total) } else { Err(needs) }
    }
}

/// Returns what `measures` say on the goods of `question`.
///
/// Only measures of the destination's own customs territory count: those of another never price an
/// import. Of measures of one kind, those on a longer code come before those on a shorter one.
pub fn assess<'m>(
    measures: impl IntoIterator<Item = &'m Measure>,
    question: &Question<'_>,
) -> Result<Assessment<'m>, QuestionError> {
    let is_code = question.commodity.bytes().all(|byte| byte.is_ascii_digit());
    if !is_code || question.commodity.len() != CODE_LEN {
        let code = question.commodity.chars().take(40).collect();
        return Err(QuestionError::NotDeclarable(code));
    }
    let territory = customs_territory(question.destination, question.day);
    let mut kinds: BTreeMap<Kind, Vec<&Measure>> = BTreeMap::new();
    for measure in measures {
        let covers = measure.covers(question.commodity, question.origin, question.day);
        if covers && measure.destination == territory {
            kinds.entry(measure.kind).or_default().push(measure);
        }
    }
    let mut take = |kind| kinds.remove(&kind).unwrap_or_default();
    let mut options = take(Kind::Preference);
    let preferences = options.clone();
    options.extend(take(Kind::Suspension));
    options.extend(take(Kind::Quota));

    let base = base(take(Kind::ThirdCountry), &preferences, &options, question);
    let duty = match base {
        Ok(base) => {
            options.retain(|option| !base.iter().any(|taken| taken.rule == option.rule));
            duty(base, &take(Kind::Additional), &take(Kind::Other), question)
        }
        Err(why) => {
            Decision::NeedsPerson(Open { candidates: alone(&options), questions: vec![why] })
        }
    };
    Ok(Assessment {
        territory,
        duty,
        excise: decide(take(Kind::Excise), question),
        vat: decide(take(Kind::Vat), question),
        options,
        stops: take(Kind::Control),
        units: take(Kind::SupplementaryUnit),
    })
}

/// Returns the measures that the duty is one of.
fn base<'m>(
    third_country: Vec<&'m Measure>,
    preferences: &[&'m Measure],
    options: &[&'m Measure],
    question: &Question<'_>,
) -> Result<Vec<&'m Measure>, Why> {
    if let Some(claim) = question.claim {
        let claimed = options.iter().find(|option| {
            option.rule == claim
                && (option.kind != Kind::Preference || question.has_proof_of_origin)
        });
        return claimed.map(|option| vec![*option]).ok_or_else(|| Why::Claim(claim.to_owned()));
    }
    if question.has_proof_of_origin && !preferences.is_empty() {
        return Ok(preferences.to_vec());
    }
    Ok(third_country)
}

fn duty<'m>(
    base: Vec<&'m Measure>,
    additional: &[&'m Measure],
    others: &[&'m Measure],
    question: &Question<'_>,
) -> Decision<'m> {
    let mut open = Open { candidates: Vec::new(), questions: Vec::new() };
    let mut candidates = match decide(base, question) {
        Decision::One(candidate) => vec![candidate],
        Decision::NeedsPerson(asks) => {
            open.questions.extend(asks.questions);
            asks.candidates
        }
        Decision::Nothing => {
            open.questions.push(Why::NoMeasure {
                territory: customs_territory(question.destination, question.day),
                commodity: question.commodity.to_owned(),
                day: question.day,
            });
            Vec::new()
        }
    };
    // Additional duties of one kind are alternatives only where codes tell them apart.
    let mut groups: BTreeMap<(&str, &str), Vec<&Measure>> = BTreeMap::new();
    for measure in additional {
        groups.entry((&measure.name, &measure.origin.code)).or_default().push(measure);
    }
    for group in groups.into_values() {
        let (coded, plain): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|measure| measure.additional_code.is_some());
        for group in plain.into_iter().map(|measure| vec![measure]).chain([coded]) {
            let alternatives = match decide(group, question) {
                Decision::Nothing => continue,
                Decision::One(one) => vec![one],
                Decision::NeedsPerson(asks) => {
                    open.questions.extend(asks.questions);
                    asks.candidates
                }
            };
            candidates = added(&candidates, &alternatives);
        }
    }
    open.questions.extend(
        others.iter().map(|other| Why::Kind { rule: other.rule.clone(), name: other.name.clone() }),
    );
    match (open.questions.is_empty(), candidates.pop()) {
        (true, Some(only)) if candidates.is_empty() => Decision::One(only),
        (_, last) => {
            candidates.extend(last);
            open.candidates = candidates;
            Decision::NeedsPerson(open)
        }
    }
}

/// Returns each of `candidates` with each of `alternatives` added.
fn added<'m>(candidates: &[Candidate<'m>], alternatives: &[Candidate<'m>]) -> Vec<Candidate<'m>> {
    let mut all = Vec::new();
    for candidate in candidates {
        for alternative in alternatives {
            let mut candidate = candidate.clone();
            candidate.additional.push(alternative.base);
            all.push(candidate);
        }
    }
    all
}

fn alone<'m>(measures: &[&'m Measure]) -> Vec<Candidate<'m>> {
    let alone = |base: &&'m Measure| Candidate { base, additional: Vec::new(), same: Vec::new() };
    measures.iter().map(alone).collect()
}

/// Decides between measures of which one is levied.
fn decide<'m>(mut measures: Vec<&'m Measure>, question: &Question<'_>) -> Decision<'m> {
    let longest = measures.iter().map(|measure| measure.commodity.len()).max();
    measures.retain(|measure| Some(measure.commodity.len()) == longest);
    if measures.is_empty() {
        return Decision::Nothing;
    }
    let codes = |measures: &[&Measure]| -> Vec<String> {
        let codes: BTreeSet<_> =
            measures.iter().filter_map(|m| m.additional_code.as_ref()).collect();
        codes.into_iter().map(|code| code.code.clone()).collect()
    };
    let open = |measures: &[&'m Measure], why: Why| {
        Decision::NeedsPerson(Open { candidates: alone(measures), questions: vec![why] })
    };
    let left = declared(&measures, question.additional_codes);
    if left.is_empty() {
        return open(&measures, Why::AdditionalCode(codes(&measures)));
    }
    for measure in &left {
        let rule = measure.rule.clone();
        match &measure.charge {
            Charge::Duty(_) => {}
            Charge::Unread { why, .. } => {
                return open(&left, Why::Unread { rule, why: why.clone() });
            }
            Charge::Unit(_) | Charge::Nothing => return open(&left, Why::Conditions(rule)),
        }
        if measure.conditions.iter().any(|condition| condition.duty.is_some()) {
            return open(&left, Why::Conditions(rule));
        }
    }
    let (Some((first, others)), codes) = (left.split_first(), codes(&left)) else {
        return Decision::Nothing;
    };
    if others.iter().all(|other| other.charge == first.charge) {
        let same = others.to_vec();
        return Decision::One(Candidate { base: first, additional: Vec::new(), same });
    }
    if codes.is_empty() {
        let rules = left.iter().map(|measure| measure.rule.clone()).collect();
        return open(&left, Why::Several(rules));
    }
    open(&left, Why::AdditionalCode(codes))
}

/// Returns those of `measures` that apply by the codes a declaration states: those of its codes, else
/// those without one; all of them as long as nobody said.
fn declared<'m>(measures: &[&'m Measure], codes: Option<&[&str]>) -> Vec<&'m Measure> {
    let Some(codes) = codes else { return measures.to_vec() };
    let has_one = |measure: &Measure| {
        measure.additional_code.as_ref().is_some_and(|code| codes.contains(&&*code.code))
    };
    let of_codes: Vec<_> = measures.iter().copied().filter(|measure| has_one(measure)).collect();
    if !of_codes.is_empty() {
        return of_codes;
    }
    measures.iter().copied().filter(|measure| measure.additional_code.is_none()).collect()
}
