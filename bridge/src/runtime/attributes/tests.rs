//! What feeds tell of accounts in conditions of rules: the real writer on both databases.

use std::sync::Arc;

use serde_json::{Value, json};
use upturn_core::id::DeviceId;
use upturn_core::registry::{Account, Device, DeviceStatus, Registry};

use super::*;
use crate::clock::Clock as _;
use crate::runtime::testing::{Brought, Plant};
use crate::store::task_view;
use crate::store::testing::{each_backend, forget_snapshot};

const RULE: &str = r#"
id = "care"
kind = "trigger"
title = { en = "A good customer's charger failed" }
[when]
pattern = "consecutive"
event = "charge_failed"
times = 1
within = "24h"
where = "account.attributes.tier == \"gold\""
[episode]
cooldown = "0s"
close = { on = ["charge_failed"] }
[[then]]
task = "care"
"#;

fn plant(store: &crate::store::Store) -> Plant<'_> {
    let plant = Plant::on(store, "2026-03-02T09:00:00Z", RULE);
    let mut registry = Registry::default();
    for (device, account) in [("d-1", "a-1"), ("d-2", "a-2")] {
        let customer = Account { name: account.into(), owner: None, consent: None };
        registry.accounts.insert(account.into(), customer);
        let device_of = Device {
            model: "X7".into(),
            site: None,
            account: Some(account.into()),
            status: DeviceStatus::InService,
        };
        registry.devices.insert(DeviceId::new(device).unwrap(), device_of);
    }
    plant.folder.send_replace(Arc::new(registry));
    plant
}

impl Plant<'_> {
    /// Has a feed tell which tier each account is of.
    async fn tell(&self, fold: &mut Fold, tiers: &[(&str, &str)]) {
        let rows: Vec<Value> =
            tiers.iter().map(|(id, tier)| json!({ "id": id, "segment": tier })).collect();
        let settings = json!({
            "format": "json", "of": "account", "rows": "/*", "key": "id",
            "attributes": { "tier": "segment" },
        });
        let (feed, kind) = ("crm", "attributes");
        let (settings, document) = (&settings, &Value::from(rows));
        self.bring(fold, Brought { feed, kind, settings, document }).await;
    }

    /// Has each device fail once.
    async fn fail_both(&self, fold: &mut Fold) {
        for device in ["d-1", "d-2"] {
            let ts = self.clock.now().timestamp_millis();
            let failed =
                json!({ "id": format!("{device}-{ts}"), "ts": ts, "kind": "charge_failed" });
            self.send(fold, device, &[failed]).await;
        }
    }

    /// Returns the devices of all tasks, in the order these were made.
    async fn devices(&self) -> Vec<String> {
        let mut rows = task_view::standing(self.store).await.unwrap();
        rows.sort_by_key(|row| row.created_at);
        rows.iter().map(|row| row.device.as_str().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_rule_goes_by_what_a_feed_tells_of_an_account_at_the_time() {
    each_backend(async |store| {
        let plant = plant(store);
        let mut fold = plant.begin().await;
        plant.fail_both(&mut fold).await;
        assert_eq!(plant.devices().await, [""; 0], "nobody has told anything");

        plant.move_to("2026-03-02T10:00:00Z");
        plant.tell(&mut fold, &[("a-1", "gold"), ("a-2", "silver")]).await;
        plant.fail_both(&mut fold).await;
        assert_eq!(plant.devices().await, ["d-1"]);

        plant.move_to("2026-03-02T11:00:00Z");
        plant.tell(&mut fold, &[("a-2", "gold")]).await;
        plant.fail_both(&mut fold).await;
        assert_eq!(plant.devices().await, ["d-1", "d-2"], "what is told no more is gone");

        // The same again, and a new start with and without a snapshot, log nothing and change nothing.
        let (cursor, told) = (fold.cursor, fold.engine.registry().account_attributes.clone());
        plant.move_to("2026-03-02T11:10:00Z");
        plant.tell(&mut fold, &[("a-2", "gold")]).await;
        assert_eq!(fold.cursor, cursor);
        crate::runtime::recovery::save(store, &fold).await;
        for has_snapshot in [true, false] {
            if !has_snapshot {
                forget_snapshot(store).await;
            }
            let fold = plant.begin().await;
            assert_eq!(fold.cursor, cursor, "with a snapshot: {has_snapshot}");
            assert_eq!(fold.engine.registry().account_attributes, told);
        }
        assert_eq!(plant.devices().await, ["d-1", "d-2"]);
    })
    .await;
}
