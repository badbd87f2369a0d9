//! Networks of the stocking document.

use rust_decimal::Decimal;

use super::{Gatherer, Troubles};
use crate::money::exact::Exact;
use crate::stock::plan::network::{Goal, Network};
use crate::stock::plan::setting::{PlaceIndex, PlaceKind, Setting};
use crate::stock::stocking::NetworkDocument;

/// Returns what the levels of `document` are to reach, or what is wrong with what it says of that.
pub fn goal(document: &NetworkDocument) -> Result<Goal, String> {
    let NetworkDocument { missing_max, service, depot_cost, base_cost, .. } = document;
    let number = |Exact(number): &Exact| f64::try_from(*number).unwrap_or_default();
    let is_above = |one: &Option<Exact>| one.as_ref().is_none_or(|Exact(n)| Decimal::ZERO < *n);
    if ![missing_max, depot_cost, base_cost].into_iter().all(is_above) {
        return Err("missing_max or a cost is not above 0".to_owned());
    }
    match (missing_max, service, depot_cost.as_ref().or(base_cost.as_ref())) {
        (Some(missing_max), None, None) => Ok(Goal::Missing(number(missing_max))),
        (None, Some(Exact(level)), _) if Decimal::ZERO < *level && *level < Decimal::ONE => {
            let cost = |cost: &Option<Exact>| cost.as_ref().map_or(1.0, number);
            let (depot_cost, base_cost) = (cost(depot_cost), cost(base_cost));
            Ok(Goal::Promise { level: number(&Exact(*level)), depot_cost, base_cost })
        }
        (None, Some(Exact(level)), _) => {
            Err(format!("a service level of {level} is none; it is above 0 and below 1"))
        }
        _ => Err("give missing_max, or service and maybe its two costs".to_owned()),
    }
}

impl Gatherer<'_> {
    /// Takes the networks; the depot has a position even where nothing is there and nobody buys.
    pub(super) fn take_networks(&mut self) {
        for document in &self.stocking.network {
            let place = |name: &String| self.places.get(&**name).copied();
            let bases: Option<Vec<PlaceIndex>> = document.bases.iter().map(place).collect();
            let (Some(depot), Some(bases), Ok(goal)) =
                (place(&document.depot), bases, goal(document))
            else {
                continue;
            };
            let mut items = Vec::new();
            for product in &document.products {
                if let Some(item) = self.items.get(&**product).copied() {
                    items.push(item);
                } else {
                    let message = format!(
                        "there is no product '{product}'; import it; it has no levels here"
                    );
                    self.report("network", &document.id, message);
                }
            }
            for place in bases.iter().chain([&depot]) {
                for item in &items {
                    self.draft(*item, *place);
                }
            }
            let last = |item| self.last(item);
            items = items.into_iter().map(last).collect();
            items.sort_unstable();
            items.dedup();
            let id = (*document.id).into();
            self.made.setting.networks.push(Network { id, depot, bases, items, goal });
        }
    }
}

/// Reports the networks of `setting` that have no levels, since a lane is missing.
pub(super) fn report_gaps(setting: &Setting, troubles: &mut Troubles) {
    let leads = |is_from: &dyn Fn(PlaceIndex) -> bool, to: PlaceIndex| {
        setting.lanes.iter().any(|lane| lane.to == to && is_from(lane.from))
    };
    let name = |place: PlaceIndex| setting.place(place).map(|place| &*place.id).unwrap_or_default();
    let is_supplier =
        |from| setting.place(from).is_some_and(|place| place.kind == PlaceKind::Supplier);
    for network in &setting.networks {
        let of = format!("network {}", network.id);
        if !leads(&is_supplier, network.depot) {
            let depot = name(network.depot);
            let message = format!("no lane leads from a supplier to '{depot}'; it keeps no levels");
            troubles.report(&*of, message);
        }
        let apart = network.bases.iter().find(|base| !leads(&|from| from == network.depot, **base));
        if let Some(base) = apart {
            let (depot, base) = (name(network.depot), name(*base));
            let message = format!("no lane leads from '{depot}' to '{base}'; it keeps no levels");
            troubles.report(of, message);
        }
    }
}
