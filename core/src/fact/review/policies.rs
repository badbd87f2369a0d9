//! Policies beside those in force: what nobody has confirmed yet is looked at by a person.

use std::collections::BTreeMap;

use super::NAMED_MAX;
use crate::fact::policy::Policy;

/// Adds to `reasons` which of the policies `new` nobody has confirmed: neither a name in its row, nor who
/// released it with the set `last`.
pub(super) fn compare(new: &[&Policy], last: &[&Policy], reasons: &mut Vec<String>) {
    let mut known: BTreeMap<_, Vec<&Policy>> = BTreeMap::new();
    for policy in last {
        known.entry(name(policy)).or_default().push(policy);
    }
    let is_known = |policy: &Policy| {
        let same = known.get(&name(policy)).is_some_and(|same| same.contains(&policy));
        policy.confirmed_by.is_some() || same
    };
    let found: Vec<_> = new.iter().filter(|policy| !is_known(policy)).collect();
    reasons.extend(found.iter().take(NAMED_MAX).map(|policy| {
        let Policy { region, product, title, .. } = policy;
        format!("nobody has confirmed '{title}' for {product} in {region}; who releases it does")
    }));
    if NAMED_MAX < found.len() {
        reasons.push(format!("{} policies are not confirmed", found.len()));
    }
}

/// Returns what tells most policies apart.
fn name(policy: &Policy) -> (&str, &str, &str) {
    (&policy.region, &policy.product, &policy.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::validity::Validity;

    fn policy(title: &str, confirmed_by: Option<&str>) -> Policy {
        Policy {
            region: "CN-62".to_owned(),
            product: "*".to_owned(),
            title: title.to_owned(),
            valid: Validity::new(None, None).unwrap(),
            reference: "paper 7".to_owned(),
            confirmed_by: confirmed_by.map(str::to_owned),
        }
    }

    #[test]
    fn what_nobody_has_confirmed_waits_once() {
        let (open, named) = (policy("subsidy", None), policy("reform", Some("ops")));
        let reasons = |new: &[&Policy], last: &[&Policy]| {
            let mut reasons = Vec::new();
            compare(new, last, &mut reasons);
            reasons
        };
        assert!(reasons(&[&named], &[]).is_empty());
        let found = reasons(&[&named, &open], &[&named]);
        let words = "nobody has confirmed 'subsidy' for * in CN-62; who releases it does";
        assert_eq!(found, [words]);
        assert!(reasons(&[&named, &open], &[&open]).is_empty(), "it was released");
        let other = policy("subsidy of 2026", None);
        assert_eq!(reasons(&[&other], &[&open]).len(), 1);
        let many = vec![&other; 9];
        assert_eq!(reasons(&many, &[]).last().unwrap(), "9 policies are not confirmed");
    }
}
