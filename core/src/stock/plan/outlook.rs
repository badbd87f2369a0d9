//! What a place will need of an item up to a day.

use chrono::NaiveDate;

use super::adjust::Scale;
use super::advice::{Note, ScaledDays};
use super::base::Base;
use super::failures::Failures;
use super::outcome::expectation;
use super::setting::{Deal, Position, Setting};
use crate::forecast::distribution::Distribution;
use crate::forecast::pipeline::{self, PipelineError, Prospect};

/// The demand of a position from a day on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook<'p> {
    first_on: NaiveDate,
    base: Base,
    scale: Option<&'p Scale>,
    deals: &'p [Deal],
    failures: Option<&'p Failures>,
}

impl<'p> Outlook<'p> {
    /// Returns that of `position`, which is one of `setting`.
    pub(super) fn new(setting: &'p Setting, position: &'p Position, first_on: NaiveDate) -> Self {
        let failures = position.failures.as_deref().filter(|failures| !failures.is_nothing());
        let scale = setting.adjusted.scales.get(&(position.item, position.place));
        let (base, scale) = (position.base, scale.map(|scale| &**scale));
        Self { first_on, base, scale, deals: &position.deals, failures }
    }

    /// Tells for each adjuster of the base demand how many days before `until` it is other on.
    pub(super) fn scaled(&self, until: NaiveDate) -> Vec<Note> {
        let Some(scale) = self.scale.filter(|_| 0.0 < self.base.per_day) else {
            return Vec::new();
        };
        let note = |(adjuster, (days, factor)): (&str, (usize, f64))| {
            let (adjuster, factor) = (adjuster.into(), expectation(factor));
            Note::Scaled(ScaledDays { adjuster, days, factor })
        };
        scale.told(self.first_on, until).into_iter().map(note).collect()
    }

    /// Returns whether nothing is ever needed.
    pub(super) fn is_nothing(&self) -> bool {
        self.base.per_day == 0.0 && self.deals.is_empty() && self.failures.is_none()
    }

    /// Returns whether `stock` is enough on all days before `until`, with probability `level`.
    pub(super) fn is_covered(
        &self,
        until: NaiveDate,
        stock: i64,
        level: f64,
    ) -> Result<bool, PipelineError> {
        let Ok(stock) = usize::try_from(stock) else { return Ok(false) };
        let prospects = self.prospects(until)?;
        if prospects.is_empty()
            && self.failures.is_none()
            && let Some(enough) = self.base_at_most(until, stock)
        {
            return Ok(level <= enough + 1e-12);
        }
        Ok(level <= self.with(until, &prospects, pipeline::independent)?.at_most(stock) + 1e-12)
    }

    /// Returns the demand on the days before `until`, each deal won or lost by itself.
    pub(super) fn demand(&self, until: NaiveDate) -> Result<Distribution, PipelineError> {
        self.with(until, &self.prospects(until)?, pipeline::independent)
    }

    /// Returns the same where the deals win or lose together; `None` where that is no difference.
    pub(super) fn demand_together(
        &self,
        until: NaiveDate,
    ) -> Result<Option<Distribution>, PipelineError> {
        let prospects = self.prospects(until)?;
        if prospects.len() < 2 {
            return Ok(None);
        }
        self.with(until, &prospects, pipeline::together).map(Some)
    }

    /// Returns the units that deals add before `until` to what is needed with probability `level` without
    /// them.
    pub(super) fn deals_add(&self, until: NaiveDate, level: f64) -> Result<usize, PipelineError> {
        if self.deals.is_empty() {
            return Ok(0);
        }
        let without = Self { deals: &[], ..*self }.demand(until)?.quantile(level);
        Ok(self.demand(until)?.quantile(level).saturating_sub(without))
    }

    /// Returns how many deals may need something before `until`, and how many only later.
    pub(super) fn count_deals(&self, until: NaiveDate) -> (usize, usize) {
        let now = self.deals.iter().filter(|deal| 0.0 < self.share(deal, until)).count();
        let later = self.deals.iter().filter(|deal| until <= deal.needed_from).count();
        (now, later)
    }

    fn with(
        &self,
        until: NaiveDate,
        prospects: &[Prospect],
        join: impl Fn(&[Prospect]) -> Result<Distribution, PipelineError>,
    ) -> Result<Distribution, PipelineError> {
        let mean = self.base_mean(until);
        let mut base = Distribution::negative_binomial(mean, mean * self.base.spread)?;
        if let Some(failures) = self.failures {
            base = base.plus(&failures.demand(until)?)?;
        }
        if prospects.is_empty() {
            return Ok(base);
        }
        Ok(join(prospects)?.plus(&base)?)
    }

    fn base_mean(&self, until: NaiveDate) -> f64 {
        let beside = self.scale.map_or(0.0, |scale| scale.beside(self.first_on, until));
        self.base.per_day * ((until - self.first_on).num_days().max(0) as f64 + beside).max(0.0)
    }

    /// Returns the probability that the base demand before `until` is at most `stock`, as
    /// [`Distribution::negative_binomial`] has it but without writing it out; `None` where its first
    /// mass is too small to start from.
    fn base_at_most(&self, until: NaiveDate, stock: usize) -> Option<f64> {
        let mean = self.base_mean(until);
        if mean == 0.0 {
            return Some(1.0);
        }
        let excess = self.base.spread - 1.0;
        let is_poisson = excess < 1e-9;
        let (size, failure) =
            if is_poisson { (0.0, 0.0) } else { (mean / excess, excess / self.base.spread) };
        let none = if is_poisson { -mean } else { size * libm::log1p(-failure) };
        if none < -600.0 {
            return None;
        }
        let mut mass = none.exp();
        let mut reached = mass;
        for units in 1..=stock {
            let units = units as f64;
            mass *= if is_poisson { mean / units } else { (size + units - 1.0) / units * failure };
            reached += mass;
            if mean < units && mass < 1e-15 {
                break;
            }
        }
        Some(reached.min(1.0))
    }

    /// Returns the deals as they are before `until`: as likely as they are won and needed by then.
    fn prospects(&self, until: NaiveDate) -> Result<Vec<Prospect>, PipelineError> {
        let shares = self.deals.iter().map(|deal| (deal, self.share(deal, until)));
        let needed = shares.filter(|(_, share)| 0.0 < *share);
        needed
            .map(|(deal, share)| {
                let prospect = deal.prospect;
                Prospect::new(prospect.probability() * share, prospect.units())
            })
            .collect()
    }

    /// Returns the part of a deal's days that lie before `until`; days that passed are none of them.
    fn share(&self, deal: &Deal, until: NaiveDate) -> f64 {
        let first_on = deal.needed_from.max(self.first_on);
        let all = (deal.needed_to - first_on).num_days() + 1;
        let before = (until - first_on).num_days().min(all);
        if all < 1 || before < 1 { 0.0 } else { before as f64 / all as f64 }
    }
}
