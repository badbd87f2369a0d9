//! The facts of several documents as one set.

use upturn_core::fact::Fact;

use super::of_tax;
use crate::read::ReadError;
use crate::{rates, tax};

/// Returns the facts of `documents` together. Fails where two documents contradict each other.
pub(super) fn join(mut documents: Vec<Vec<Fact>>) -> Result<Vec<Fact>, ReadError> {
    if documents.len() <= 1 {
        return Ok(documents.pop().unwrap_or_default());
    }
    let facts = documents.into_iter().flatten();
    let (mut all_rates, mut taxes, mut others) = (vec![], vec![], vec![]);
    for fact in facts {
        match fact {
            Fact::Rate(rate) => all_rates.push(rate),
            Fact::Tax(rate) => taxes.push(*rate),
            // They stand by themselves, in the order in which they were told.
            Fact::Duty(_)
            | Fact::Goods(_)
            | Fact::Calendar(_)
            | Fact::Sailing(_)
            | Fact::PortCall(_)
            | Fact::TransportEvent(_)
            | Fact::Lane(_)
            | Fact::Closure(_)
            | Fact::Weather(_)
            | Fact::Attributes(_)
            | Fact::Policy(_)
            | Fact::Unread(_) => others.push(fact),
        }
    }
    let mut joined = Vec::new();
    if !all_rates.is_empty() {
        joined.extend(rates::whole(all_rates)?.into_iter().map(Fact::Rate));
    }
    if !taxes.is_empty() {
        joined.extend(tax::close(taxes)?.into_iter().map(of_tax));
    }
    joined.extend(others);
    Ok(joined)
}
