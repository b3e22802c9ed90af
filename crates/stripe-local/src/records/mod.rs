//! The records of one Stripe account, in memory, with an undo list for the running operation.
//!
//! Timestamps are Unix seconds of the billing clock unless a field says otherwise. Field names and the variant names of
//! `Record` are the layout of the state file: a renamed field keeps its old name with `#[serde(rename)]`. This module
//! performs no I/O; `store` writes what `changes` returns and loads it at the next start.

mod billing;
mod cards;
mod catalog;
mod checkout;
mod clocks;
mod payments;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

pub(crate) use billing::*;
pub(crate) use cards::*;
pub(crate) use catalog::*;
pub(crate) use checkout::*;
pub(crate) use clocks::*;
pub(crate) use payments::*;
pub(crate) use webhooks::*;

/// Records that are written often and on which no step of a clock depends.
const KINDS_WITHOUT_STEPS: [&str; 3] = [
    EventRecord::KIND,
    DeliveryRecord::KIND,
    IdempotentResponseRecord::KIND,
];

/// A type of record.
pub(crate) trait RecordKind: Clone + 'static {
    /// The name of the type in the state file.
    const KIND: &'static str;
    fn id(&self) -> &str;
    fn into_record(self) -> Record;
    fn from_record(record: &Record) -> Option<&Self>;
}

/// Defines `Record`. The fields after a type have the IDs of its parents.
macro_rules! define_records {
    ($($kind:ident($type:ident $(, $parent:ident)*)),* $(,)?) => {
        /// A record of any type. The variant's name is the value of `kind` in the state file.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub(crate) enum Record { $($kind(Box<$type>)),* }

        impl Record {
            fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => stringify!($kind)),* }
            }

            pub(crate) fn id(&self) -> &str {
                match self { $(Self::$kind(record) => &record.id),* }
            }

            /// The IDs of the parents, by which lists find the record.
            fn parents(&self) -> Vec<&str> {
                match self {
                    $(Self::$kind(_record) => {
                        // `Option::from` accepts a `&String` and a `&Option<String>`: some parents are optional.
                        let parents: &[Option<&String>] = &[$(Option::from(&_record.$parent)),*];
                        parents.iter().copied().flatten().map(String::as_str).collect()
                    })*
                }
            }
        }

        $(impl RecordKind for $type {
            const KIND: &'static str = stringify!($kind);

            fn id(&self) -> &str {
                &self.id
            }

            fn into_record(self) -> Record {
                Record::$kind(Box::new(self))
            }

            fn from_record(record: &Record) -> Option<&Self> {
                match record {
                    Record::$kind(record) => Some(record),
                    _ => None,
                }
            }
        })*
    };
}

define_records!(
    Product(ProductRecord),
    Price(PriceRecord, product),
    Customer(CustomerRecord),
    PaymentMethod(PaymentMethodRecord, customer),
    SetupIntent(SetupIntentRecord),
    CheckoutSession(CheckoutSessionRecord, customer, subscription),
    Subscription(SubscriptionRecord, customer),
    Invoice(InvoiceRecord, customer, subscription),
    InvoicePayment(InvoicePaymentRecord, invoice, payment_intent),
    PaymentIntent(PaymentIntentRecord, customer),
    Charge(ChargeRecord, customer, payment_intent),
    Refund(StripeRefundRecord, charge, payment_intent),
    Dispute(StripeDisputeRecord, charge, payment_intent),
    PortalSession(PortalSessionRecord),
    PortalConfiguration(PortalConfigurationRecord),
    GlobalClock(GlobalClockRecord),
    TestClock(TestClockRecord),
    WebhookEndpoint(WebhookEndpointRecord),
    Event(EventRecord),
    Delivery(DeliveryRecord, event),
    Switches(WebhookSwitchesRecord),
    KeptAnswer(IdempotentResponseRecord),
);

/// A record's type and its number in the order of creation.
type RowKey = (&'static str, u64);

/// A row to write, or to delete if `record` is `None`.
#[derive(Debug)]
pub(crate) struct RecordChange<'a> {
    pub(crate) id: &'a str,
    pub(crate) number: u64,
    pub(crate) record: Option<&'a Record>,
}

/// All records of the account.
pub(crate) struct Records {
    rows: BTreeMap<RowKey, Record>,
    keys: HashMap<String, RowKey>,
    /// The records of each parent, by the parent's ID.
    children: HashMap<String, BTreeSet<RowKey>>,
    next_number: u64,
    /// The state before the running operation of each record that it changed, by ID.
    originals: BTreeMap<String, Option<(RowKey, Record)>>,
    /// See [`Self::is_settled_at`].
    settled_secs: Option<i64>,
    random: fastrand::Rng,
}

impl Records {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self {
            rows: BTreeMap::new(),
            keys: HashMap::new(),
            children: HashMap::new(),
            next_number: 1,
            originals: BTreeMap::new(),
            settled_secs: None,
            random: seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
        }
    }

    /// Adds a record that was read from the state file, with its number there.
    pub(crate) fn restore(&mut self, number: u64, record: Record) {
        let key = (record.kind(), number);
        self.keys.insert(record.id().to_owned(), key);
        self.insert_row(key, record);
        self.next_number = self.next_number.max(number + 1);
    }

    pub(crate) fn get<T: RecordKind>(&self, id: &str) -> Option<&T> {
        T::from_record(self.rows.get(self.keys.get(id)?)?)
    }

    /// All records of a type, oldest first.
    pub(crate) fn all<T: RecordKind>(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows
            .range((T::KIND, 0)..=(T::KIND, u64::MAX))
            .filter_map(|(_, record)| T::from_record(record))
    }

    /// The records of a type that have this parent, oldest first.
    pub(crate) fn children<T: RecordKind>(&self, parent: &str) -> impl DoubleEndedIterator<Item = &T> {
        let keys = self.children.get(parent);
        keys.into_iter()
            .flat_map(|keys| keys.range((T::KIND, 0)..=(T::KIND, u64::MAX)))
            .filter_map(|key| T::from_record(self.rows.get(key)?))
    }

    pub(crate) fn record(&self, id: &str) -> Option<&Record> {
        self.rows.get(self.keys.get(id)?)
    }

    /// Adds a record, or replaces the record with the same ID. A replaced record keeps its number.
    pub(crate) fn put<T: RecordKind>(&mut self, value: T) {
        let id = value.id().to_owned();
        self.save_original(T::KIND, &id);
        let key = match self.keys.get(&id) {
            Some(key) => *key,
            None => {
                let key = (T::KIND, self.next_number);
                self.next_number += 1;
                self.keys.insert(id, key);
                key
            }
        };
        self.insert_row(key, value.into_record());
    }

    pub(crate) fn remove(&mut self, id: &str) {
        let kind = self.keys.get(id).map_or("", |(kind, _)| kind);
        self.save_original(kind, id);
        if let Some(key) = self.keys.remove(id) {
            self.remove_row(key);
        }
    }

    fn insert_row(&mut self, key: RowKey, record: Record) {
        self.remove_row(key);
        for parent in record.parents() {
            // Most parents have children already.
            match self.children.get_mut(parent) {
                Some(children) => children.insert(key),
                None => self.children.entry(parent.to_owned()).or_default().insert(key),
            };
        }
        self.rows.insert(key, record);
    }

    fn remove_row(&mut self, key: RowKey) {
        let Some(record) = self.rows.remove(&key) else {
            return;
        };
        for parent in record.parents() {
            if let Some(children) = self.children.get_mut(parent) {
                children.remove(&key);
                if children.is_empty() {
                    self.children.remove(parent);
                }
            }
        }
    }

    /// Removes every record. `rollback` restores them.
    pub(crate) fn clear(&mut self) {
        let ids: Vec<String> = self.keys.keys().cloned().collect();
        for id in ids {
            self.remove(&id);
        }
    }

    /// Whether no step of a clock is due in this Unix second: the steps were run in it, and no record with steps has changed
    /// since. Finding that out otherwise takes a look at all subscriptions and invoices.
    pub(crate) fn is_settled_at(&self, secs: i64) -> bool {
        self.settled_secs == Some(secs)
    }

    /// All steps that are due in this Unix second have run.
    pub(crate) const fn settle_at(&mut self, secs: i64) {
        self.settled_secs = Some(secs);
    }

    fn save_original(&mut self, kind: &'static str, id: &str) {
        if !KINDS_WITHOUT_STEPS.contains(&kind) {
            self.settled_secs = None;
        }
        if self.originals.contains_key(id) {
            return;
        }
        let key = self.keys.get(id).copied();
        let old = key.and_then(|key| Some((key, self.rows.get(&key)?.clone())));
        self.originals.insert(id.to_owned(), old);
    }

    /// The changes of the running operation. A record that was removed and added again is written with its new number.
    pub(crate) fn changes(&self) -> Vec<RecordChange<'_>> {
        self.originals
            .iter()
            .filter_map(|(id, old)| match (self.keys.get(id), old) {
                (Some(key), _) => Some(RecordChange {
                    id,
                    number: key.1,
                    record: self.rows.get(key),
                }),
                (None, Some((key, _))) => Some(RecordChange {
                    id,
                    number: key.1,
                    record: None,
                }),
                (None, None) => None,
            })
            .collect()
    }

    /// Ends the running operation and keeps its changes.
    pub(crate) fn commit(&mut self) {
        self.originals.clear();
    }

    /// Ends the running operation and restores the state before it.
    pub(crate) fn rollback(&mut self) {
        if self.originals.is_empty() {
            return;
        }
        self.settled_secs = None;
        for (id, old) in std::mem::take(&mut self.originals) {
            if let Some(key) = self.keys.remove(&id) {
                self.remove_row(key);
            }
            if let Some((key, record)) = old {
                self.keys.insert(id, key);
                self.insert_row(key, record);
            }
        }
    }

    /// A new unique ID such as `cus_…`, with 24 random letters and digits.
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        loop {
            let id = format!("{prefix}_{}", self.random_text(24));
            if !self.keys.contains_key(&id) {
                return id;
            }
        }
    }

    /// `length` random letters and digits. Not suitable for real secrets.
    pub(crate) fn random_text(&mut self, length: usize) -> String {
        std::iter::repeat_with(|| self.random.alphanumeric())
            .take(length)
            .collect()
    }

    /// A random number from 0 to `limit` - 1, or 0 if `limit` is 0.
    pub(crate) fn random_below(&mut self, limit: usize) -> usize {
        self.random.usize(0..limit.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(ahead_secs: i64) -> GlobalClockRecord {
        GlobalClockRecord {
            ahead_secs,
            ..GlobalClockRecord::default()
        }
    }

    #[test]
    fn rollback_restores_every_record() {
        let mut records = Records::new(Some(1));
        records.put(clock(1));
        records.commit();
        records.put(clock(2));
        records.put(clock(3));
        records.put(WebhookSwitchesRecord::default());
        records.rollback();
        assert_eq!(
            records
                .get::<GlobalClockRecord>(GlobalClockRecord::ID)
                .map(|clock| clock.ahead_secs),
            Some(1)
        );
        assert!(records.all::<WebhookSwitchesRecord>().next().is_none());
        assert!(records.changes().is_empty());
        records.clear();
        assert!(records.all::<GlobalClockRecord>().next().is_none());
        records.rollback();
        assert!(records.all::<GlobalClockRecord>().next().is_some());
    }

    #[test]
    fn steps_are_sought_again_only_after_a_change_that_can_have_steps() {
        let mut records = Records::new(Some(1));
        records.put(clock(1));
        records.settle_at(7);
        records.commit();
        records.rollback();
        assert!(
            records.is_settled_at(7) && !records.is_settled_at(8),
            "nothing has changed"
        );
        records.put(clock(2));
        assert!(!records.is_settled_at(7), "changed");
        records.settle_at(7);
        records.rollback();
        assert!(!records.is_settled_at(7), "rolled back");
    }

    #[test]
    fn a_parent_has_the_records_that_name_it() {
        let delivery = |id: &str, event: &str| DeliveryRecord {
            id: id.to_owned(),
            event: event.to_owned(),
            endpoint: "we_1".to_owned(),
            attempts: Vec::new(),
            due_ms: 0,
            state: DeliveryState::Waiting,
            is_copy: false,
        };
        let children = |records: &Records, event: &str| {
            records
                .children::<DeliveryRecord>(event)
                .map(|delivery| delivery.id.clone())
                .collect::<Vec<_>>()
                .concat()
        };
        let mut records = Records::new(Some(1));
        for (id, event) in [("b", "1"), ("a", "1"), ("c", "2")] {
            records.put(delivery(id, event));
        }
        records.commit();
        let before = ["ba", "c", ""];
        let all = |records: &Records| ["1", "2", "3"].map(|event| children(records, event));
        assert_eq!(all(&records), before, "oldest first");
        records.put(delivery("a", "3"));
        records.remove("c");
        assert_eq!(all(&records), ["b", "", "a"], "moved and removed");
        records.rollback();
        assert_eq!(all(&records), before, "rolled back");
        let mut restored = Records::new(Some(1));
        for ((_, number), record) in &records.rows {
            restored.restore(*number, record.clone());
        }
        assert_eq!(all(&restored), before, "read from the state file");
    }

    #[test]
    fn changes_lists_each_record_once() {
        let mut records = Records::new(Some(1));
        records.put(clock(1));
        records.commit();
        records.put(clock(2));
        records.put(clock(3));
        records.put(WebhookSwitchesRecord::default());
        records.remove(WebhookSwitchesRecord::ID);
        let changes = records.changes();
        assert_eq!(
            changes.len(),
            1,
            "a record that is added and removed in one operation is not written"
        );
        assert_eq!(changes[0].record, Some(&clock(3).into_record()));
        records.commit();
        records.remove(GlobalClockRecord::ID);
        assert!(records.changes()[0].record.is_none());
    }
}
