//! What the state levies on declared goods.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Desk, Freight, Item};
use crate::duty::assess::{Assessment, Candidate, Decision, Open, Question, Why, assess};
use crate::duty::evaluate::{Basis, Quantity};
use crate::duty::unit::Unit;
use crate::fact::duty::{Charge, Measure};
use crate::fact::rate::Rate;
use crate::money::Money;
use crate::money::exact::Exact;
use crate::money::rounding::{round, share};
use crate::quote::charge::LevyKind;
use crate::quote::destination::ImportTax;
use crate::quote::priced::{CustomsItem, UsedRule};
use crate::quote::problem::{Choice, Code, Problem};
use crate::quote::request::Goods;
use crate::quote::stated::{StatedDuty, StatedRate, StatedTax};
use crate::tax::Asked;

/// Something that is levied.
#[derive(Debug)]
pub(in crate::quote) struct Levied {
    pub(in crate::quote) kind: LevyKind,
    pub(in crate::quote) description: String,
    pub(in crate::quote) amount: Money,
    pub(in crate::quote) base: Exact,
    pub(in crate::quote) rules: Vec<UsedRule>,
}

/// What a tariff says on an item, and what is known of it.
struct Assessed<'a> {
    at: String,
    goods: &'a Goods,
    quantities: Vec<Quantity>,
    customs_value: Decimal,
    assessment: Assessment<'a>,
}

/// What is taxed together.
#[derive(Default)]
struct Taxed {
    base: Decimal,
    percent: Decimal,
    rules: Vec<UsedRule>,
    elsewhere: Vec<String>,
}

impl Desk<'_> {
    /// Returns duty and excise of each item and the tax on all, as far as they are known.
    pub(super) fn levy(
        &mut self,
        items: &[Item<'_>],
        declared: &[CustomsItem],
        freight: Freight<'_>,
    ) -> Vec<Levied> {
        let library = self.library;
        let source = self.request.sources.duties.as_deref();
        let measures = match library.measures(self.ways.territory, source) {
            Ok(measures) => measures,
            Err(problem) => {
                self.problems.push(problem);
                return Vec::new();
            }
        };
        let mut levies = Vec::new();
        let mut bases = Vec::new();
        let mut all = Vec::new();
        for (item, declared) in items.iter().zip(declared) {
            let Some(assessed) = self.assess(item, declared, measures) else { continue };
            let mut base = declared.customs_value.0;
            for (kind, decision) in [
                (LevyKind::Duty, &assessed.assessment.duty),
                (LevyKind::Excise, &assessed.assessment.excise),
            ] {
                let Some((amount, rules)) = self.decide(&assessed, decision) else { continue };
                base = base.saturating_add(amount);
                if kind == LevyKind::Duty || !rules.is_empty() {
                    let (amount, base) = (self.money(amount), declared.customs_value);
                    let description = declared.commodity.clone();
                    levies.push(Levied { kind, description, amount, base, rules });
                }
            }
            bases.push(base);
            all.push(assessed);
        }
        if all.len() == items.len() && self.ways.tax != ImportTax::None {
            let values: Vec<Decimal> = declared.iter().map(|item| item.customs_value.0).collect();
            let others = self.sum(freight, |cost| cost.in_vat_base && !cost.in_duty_base);
            let others = others.and_then(|others| share(others, &values, self.decimals));
            if let Some(others) = others {
                for (base, other) in bases.iter_mut().zip(others) {
                    *base = base.saturating_add(other);
                }
                levies.extend(self.tax(&all, &bases));
            }
        }
        levies
    }

    fn money(&self, amount: Decimal) -> Money {
        Money { amount: amount.into(), currency: self.currency }
    }

    /// Looks an item up in the tariff.
    fn assess<'m>(
        &mut self,
        item: &Item<'m>,
        declared: &CustomsItem,
        measures: &'m [Measure],
    ) -> Option<Assessed<'m>> {
        let goods = item.goods;
        let at = format!("/lines/{}/customs", item.lines.first().copied().unwrap_or_default());
        let mut quantities = Vec::new();
        for text in &goods.quantities {
            let Some(quantity) = quantity(text) else {
                let message = format!("'{text}' is no quantity; write it as '1234.5 kg'");
                self.problems.push(Problem::new(Code::QuantityUnread, &*at, message));
                continue;
            };
            quantities.push(quantity);
        }
        let codes = goods.additional_codes.as_ref();
        let codes: Option<Vec<&str>> =
            codes.map(|codes| codes.iter().map(String::as_str).collect());
        let question = Question {
            destination: self.request.route.to.country,
            commodity: &goods.commodity,
            origin: goods.origin,
            day: self.day,
            additional_codes: codes.as_deref(),
            has_proof_of_origin: goods.has_proof_of_origin,
            claim: goods.claim.as_deref(),
        };
        let assessment = match assess(measures, &question) {
            Ok(assessment) => assessment,
            Err(error) => {
                self.problems.push(Problem::new(Code::GoodsUnclassified, at, error.to_string()));
                return None;
            }
        };
        for stop in &assessment.stops {
            self.used.duties.push(StatedDuty::of(stop));
            if goods.settled.contains(&stop.rule) {
                continue;
            }
            let message = format!(
                "rule {} ('{}') forbids or controls these goods; settle it, then name the rule under \
                 'settled'",
                stop.rule, stop.name
            );
            self.problems.push(Problem::new(Code::CustomsControl, &*at, message));
        }
        let customs_value = declared.customs_value.0;
        Some(Assessed { at, goods, quantities, customs_value, assessment })
    }

    /// Returns what a decision comes to and by which rules; notes what is missing.
    fn decide(
        &mut self,
        assessed: &Assessed<'_>,
        decision: &Decision<'_>,
    ) -> Option<(Decimal, Vec<UsedRule>)> {
        match decision {
            Decision::Nothing => Some((Decimal::ZERO, Vec::new())),
            Decision::One(candidate) => {
                self.keep(candidate);
                match self.evaluate(assessed, candidate, assessed.customs_value) {
                    Ok(amount) => Some((round(amount, self.decimals), rules(candidate))),
                    Err(needs) => {
                        let message = format!(
                            "the charge '{}' of rule {} needs {}",
                            written(candidate.base),
                            candidate.base.rule,
                            needs
                        );
                        let problem = Problem::new(Code::DutyNeedsMore, &*assessed.at, message);
                        self.problems.push(problem);
                        None
                    }
                }
            }
            Decision::NeedsPerson(open) => {
                self.ask(assessed, open, Some(assessed.customs_value));
                None
            }
        }
    }

    /// Notes what a person has to decide between, and what each comes to on `value`.
    fn ask(&mut self, assessed: &Assessed<'_>, open: &Open<'_>, value: Option<Decimal>) {
        let is_unknown = open.candidates.is_empty()
            && open.questions.iter().all(|why| matches!(why, Why::NoMeasure { .. }));
        let code = if is_unknown { Code::DutyMissing } else { Code::NeedsPerson };
        let questions: Vec<String> = open.questions.iter().map(ToString::to_string).collect();
        let goods = assessed.goods;
        let message = format!(
            "for {} from {} a person has to decide: {}",
            goods.commodity,
            goods.origin,
            questions.join("; ")
        );
        let mut problem = Problem::new(code, &*assessed.at, message);
        for candidate in &open.candidates {
            self.keep(candidate);
            let amount = value.and_then(|value| self.evaluate(assessed, candidate, value).ok());
            problem.candidates.push(Choice {
                rules: rules(candidate).into_iter().map(|rule| rule.rule).collect(),
                duty: written(candidate.base),
                additional_code: candidate
                    .base
                    .additional_code
                    .as_ref()
                    .map(|code| code.code.clone()),
                amount: amount.map(|amount| self.money(round(amount, self.decimals))),
            });
        }
        self.problems.push(problem);
    }

    /// Returns what `candidate` comes to on `value`, not rounded; else what is missing, in words.
    fn evaluate(
        &mut self,
        assessed: &Assessed<'_>,
        candidate: &Candidate<'_>,
        value: Decimal,
    ) -> Result<Decimal, String> {
        let source = self.request.sources.customs.as_deref();
        let (sources, rates): (Vec<&str>, Vec<Rate>) =
            self.library.customs_rates(source).map(|(name, rate)| (name, rate.clone())).unzip();
        let basis = Basis {
            currency: self.currency,
            customs_value: value,
            retail_price: None,
            quantities: &assessed.quantities,
            rates: &rates,
            day: self.day,
        };
        let total = candidate.evaluate(&basis).map_err(|needs| {
            needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        })?;
        let lines = total.parts.iter().flat_map(|part| &part.amount.lines);
        for used in lines.filter_map(|line| line.rate.as_ref()) {
            let place = rates.iter().position(|rate| rate == used);
            if let Some(source) = place.and_then(|place| sources.get(place)) {
                self.used.rates.push(StatedRate::of(source, used));
            }
        }
        Ok(total.amount)
    }

    fn keep(&mut self, candidate: &Candidate<'_>) {
        let measures = candidate.additional.iter().chain(&candidate.same);
        let measures = std::iter::once(&candidate.base).chain(measures);
        self.used.duties.extend(measures.map(|measure| StatedDuty::of(measure)));
    }

    /// Returns the tax on imports: one levy for each rate, on the sum of the bases of its items.
    fn tax(&mut self, all: &[Assessed<'_>], bases: &[Decimal]) -> Vec<Levied> {
        let mut groups: BTreeMap<Vec<String>, Taxed> = BTreeMap::new();
        for (assessed, base) in all.iter().zip(bases) {
            let Some(mut taxed) = self.tax_of(assessed) else { continue };
            let key = taxed.rules.iter().map(|rule| rule.rule.clone()).collect();
            taxed.base = groups.get(&key).map_or(Decimal::ZERO, |group| group.base);
            taxed.base = taxed.base.saturating_add(*base);
            groups.insert(key, taxed);
        }
        let levied = |taxed: Taxed| {
            let amount =
                taxed.base.checked_mul(taxed.percent)?.checked_div(Decimal::ONE_HUNDRED)?;
            Some(Levied {
                kind: LevyKind::Vat,
                description: taxed.elsewhere.join(", "),
                amount: self.money(round(amount, self.decimals)),
                base: taxed.base.into(),
                rules: taxed.rules,
            })
        };
        groups.into_values().filter_map(levied).collect()
    }

    /// Returns what tax an item has: as the tariff tells it, else as the country's standard rate.
    fn tax_of(&mut self, assessed: &Assessed<'_>) -> Option<Taxed> {
        match &assessed.assessment.vat {
            Decision::One(candidate) => {
                self.keep(candidate);
                // Of a hundred, it is the percent.
                let percent = self.evaluate(assessed, candidate, Decimal::ONE_HUNDRED).ok()?;
                return Some(Taxed { percent, rules: rules(candidate), ..Taxed::default() });
            }
            Decision::NeedsPerson(open) => {
                // What it would be levied on is not known before.
                self.ask(assessed, open, None);
                return None;
            }
            Decision::Nothing => {}
        }
        let to = &self.request.route.to;
        let (region, postcode) = (to.region.as_deref(), to.postcode.as_deref());
        let asked = Asked { country: to.country, region, postcode, territory: None };
        let source = self.request.sources.taxes.as_deref();
        let answer = match self.library.tax(&asked, self.day, source) {
            Ok(answer) => answer,
            Err(problem) => {
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
                return None;
            }
        };
        let rules = answer.rates.iter().map(|rate| UsedRule {
            source: rate.source.clone(),
            rule: rate.rule.clone(),
            levies: format!("{} %", rate.percent),
            from: rate.valid.from(),
            until: rate.valid.until(),
        });
        let elsewhere = answer.elsewhere.iter().filter_map(|rate| rate.territory.as_ref());
        let taxed = Taxed {
            base: Decimal::ZERO,
            percent: answer.percent,
            rules: rules.collect(),
            elsewhere: elsewhere.map(|territory| territory.name.clone()).collect(),
        };
        self.used.taxes.extend(answer.rates.iter().map(|rate| StatedTax::of(rate)));
        Some(taxed)
    }
}

fn rules(candidate: &Candidate<'_>) -> Vec<UsedRule> {
    let measures = std::iter::once(&candidate.base).chain(&candidate.additional);
    let rule = |measure: &&Measure| UsedRule {
        source: measure.source.clone(),
        rule: measure.rule.clone(),
        levies: written(measure),
        from: measure.valid.from(),
        until: measure.valid.until(),
    };
    measures.map(rule).collect()
}

/// Returns what a measure levies, as tariffs write it.
fn written(measure: &Measure) -> String {
    match &measure.charge {
        Charge::Duty(expression) => expression.to_string(),
        Charge::Unit(unit) => unit.to_string(),
        Charge::Nothing => "nothing".to_owned(),
        Charge::Unread { written, .. } => written.clone(),
    }
}

/// Reads a quantity: `1234.5 kg`.
fn quantity(text: &str) -> Option<Quantity> {
    let (amount, unit) = text.trim().split_once(' ')?;
    let amount = Decimal::from_str_exact(amount).ok().filter(|amount| Decimal::ZERO < *amount)?;
    Some(Quantity { amount, unit: Unit::read(unit).ok()? })
}
