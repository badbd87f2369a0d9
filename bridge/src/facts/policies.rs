//! Policies for a product in a region, as the tables that operations keep tell them.

use chrono::NaiveDate;
use upturn_core::fact::Fact;
use upturn_core::fact::policy::{self, Policy};

use super::lookup::LookupError;
use super::{Facts, Sheet};

/// The policies that are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PolicyAsked<'a> {
    /// Where: `CN-62`.
    pub(crate) region: &'a str,
    /// For which product or group.
    pub(crate) product: &'a str,
    /// The day on which they hold.
    pub(crate) on: NaiveDate,
    /// By this feed alone.
    pub(crate) feed: Option<&'a str>,
}

impl Facts {
    /// Returns the policies that are asked for, at least one, each with whose word it is: those of the
    /// region and product themselves before those of all.
    ///
    /// In documents saved in a folder, which nobody releases, only those count that a row says are confirmed.
    pub(crate) fn policies(
        &self,
        asked: &PolicyAsked<'_>,
    ) -> Result<Vec<(&Sheet, &Policy)>, LookupError> {
        let PolicyAsked { region, product, on, feed } = *asked;
        let mut found = Vec::new();
        for sheet in self.of_feed(feed)? {
            let is_confirmed =
                |policy: &&Policy| sheet.set.is_some() || policy.confirmed_by.is_some();
            let own = policies(&sheet.facts).filter(is_confirmed);
            let in_force = policy::in_force(own, region, product, on);
            if !in_force.is_empty() {
                sheet.require_fresh(on)?;
            }
            found.extend(in_force.into_iter().map(|policy| (sheet, policy)));
        }
        if found.is_empty() {
            let (product, region) = (product.to_owned(), region.to_owned());
            return Err(LookupError::NoPolicy { product, region, on });
        }
        Ok(found)
    }
}

fn policies(facts: &[Fact]) -> impl Iterator<Item = &Policy> {
    facts.iter().filter_map(|fact| if let Fact::Policy(one) = fact { Some(&**one) } else { None })
}
