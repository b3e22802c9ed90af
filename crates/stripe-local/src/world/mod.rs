//! Everything that exists, in memory, with a way back: one operation's changes are taken together or undone together.
//!
//! No I/O happens here. `store` writes what `changes` lists and reads it back at the next start.

mod billing;
mod catalog;
mod checkout;
mod money;
mod times;
mod webhooks;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

pub(crate) use billing::*;
pub(crate) use catalog::*;
pub(crate) use checkout::*;
pub(crate) use money::*;
pub(crate) use times::*;
pub(crate) use webhooks::*;

/// A kind of record.
pub(crate) trait Stored: Clone + 'static {
    /// The kind's name in the state file.
    const KIND: &'static str;
    fn id(&self) -> &str;
    fn into_record(self) -> Record;
    fn from_record(record: &Record) -> Option<&Self>;
}

macro_rules! records {
    ($($name:ident),* $(,)?) => {
        /// A record of any kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub(crate) enum Record { $($name(Box<$name>)),* }

        impl Record {
            fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),* }
            }

            pub(crate) fn id(&self) -> &str {
                match self { $(Self::$name(record) => &record.id),* }
            }
        }

        $(impl Stored for $name {
            const KIND: &'static str = stringify!($name);

            fn id(&self) -> &str {
                &self.id
            }

            fn into_record(self) -> Record {
                Record::$name(Box::new(self))
            }

            fn from_record(record: &Record) -> Option<&Self> {
                match record {
                    Record::$name(record) => Some(record),
                    _ => None,
                }
            }
        })*
    };
}

records!(
    Product,
    Price,
    Customer,
    PaymentMethod,
    SetupIntent,
    CheckoutSession,
    Subscription,
    Invoice,
    InvoicePayment,
    PaymentIntent,
    Charge,
    Refund,
    PortalSession,
    PortalConfiguration,
    GlobalClock,
    TestClock,
    WebhookEndpoint,
    Event,
    Delivery,
    Switches,
    KeptAnswer,
);

/// Where a record stands: its kind and its number in the order of creation.
type Place = (&'static str, u64);

/// A row to write, or (without a record) to delete.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    pub(crate) id: &'a str,
    pub(crate) number: u64,
    pub(crate) record: Option<&'a Record>,
}

/// All records.
pub(crate) struct World {
    rows: BTreeMap<Place, Record>,
    places: HashMap<String, Place>,
    next: u64,
    /// What stood there before the running operation, by ID.
    before: BTreeMap<String, Option<(Place, Record)>>,
    random: fastrand::Rng,
}

impl World {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self {
            rows: BTreeMap::new(),
            places: HashMap::new(),
            next: 1,
            before: BTreeMap::new(),
            random: seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
        }
    }

    /// Puts a record back where the state file has it.
    pub(crate) fn restore(&mut self, number: u64, record: Record) {
        let place = (record.kind(), number);
        self.places.insert(record.id().to_owned(), place);
        self.rows.insert(place, record);
        self.next = self.next.max(number + 1);
    }

    pub(crate) fn get<T: Stored>(&self, id: &str) -> Option<&T> {
        T::from_record(self.rows.get(self.places.get(id)?)?)
    }

    /// All of a kind, oldest first.
    pub(crate) fn all<T: Stored>(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows
            .range((T::KIND, 0)..=(T::KIND, u64::MAX))
            .filter_map(|(_, record)| T::from_record(record))
    }

    pub(crate) fn record(&self, id: &str) -> Option<&Record> {
        self.rows.get(self.places.get(id)?)
    }

    /// Adds a record, or replaces the one of the same ID in its place.
    pub(crate) fn put<T: Stored>(&mut self, value: T) {
        let id = value.id().to_owned();
        self.remember(&id);
        let place = match self.places.get(&id) {
            Some(place) => *place,
            None => {
                let place = (T::KIND, self.next);
                self.next += 1;
                self.places.insert(id, place);
                place
            }
        };
        self.rows.insert(place, value.into_record());
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.remember(id);
        if let Some(place) = self.places.remove(id) {
            self.rows.remove(&place);
        }
    }

    /// Removes every record, in a way that can be undone like any other change.
    pub(crate) fn clear(&mut self) {
        let ids: Vec<String> = self.places.keys().cloned().collect();
        for id in ids {
            self.remove(&id);
        }
    }

    fn remember(&mut self, id: &str) {
        if self.before.contains_key(id) {
            return;
        }
        let place = self.places.get(id).copied();
        let old = place.and_then(|place| Some((place, self.rows.get(&place)?.clone())));
        self.before.insert(id.to_owned(), old);
    }

    /// What the running operation changed. A row whose number changed (removed, then made again) is rewritten.
    pub(crate) fn changes(&self) -> Vec<Written<'_>> {
        self.before
            .iter()
            .filter_map(|(id, old)| match (self.places.get(id), old) {
                (Some(place), _) => Some(Written {
                    id,
                    number: place.1,
                    record: self.rows.get(place),
                }),
                (None, Some((place, _))) => Some(Written {
                    id,
                    number: place.1,
                    record: None,
                }),
                (None, None) => None,
            })
            .collect()
    }

    /// Ends the running operation: its changes stay.
    pub(crate) fn settle(&mut self) {
        self.before.clear();
    }

    /// Ends the running operation: everything is as before it.
    pub(crate) fn undo(&mut self) {
        for (id, old) in std::mem::take(&mut self.before) {
            if let Some(place) = self.places.remove(&id) {
                self.rows.remove(&place);
            }
            if let Some((place, record)) = old {
                self.places.insert(id, place);
                self.rows.insert(place, record);
            }
        }
    }

    /// A new ID such as `cus_…`, of letters and digits.
    pub(crate) fn mint(&mut self, prefix: &str) -> String {
        loop {
            let id = format!("{prefix}_{}", self.letters(24));
            if !self.places.contains_key(&id) {
                return id;
            }
        }
    }

    /// Letters and digits for secrets and fingerprints.
    pub(crate) fn letters(&mut self, amount: usize) -> String {
        std::iter::repeat_with(|| self.random.alphanumeric())
            .take(amount)
            .collect()
    }

    /// A number below `limit`, for switches that act by chance.
    pub(crate) fn draw(&mut self, limit: usize) -> usize {
        self.random.usize(0..limit.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(ahead: i64) -> GlobalClock {
        GlobalClock {
            ahead,
            ..GlobalClock::default()
        }
    }

    #[test]
    fn an_operation_is_undone_as_a_whole() {
        let mut world = World::new(Some(1));
        world.put(clock(1));
        world.settle();
        world.put(clock(2));
        world.put(clock(3));
        world.put(Switches::default());
        world.undo();
        assert_eq!(
            world.get::<GlobalClock>(GlobalClock::ID).map(|clock| clock.ahead),
            Some(1)
        );
        assert!(world.all::<Switches>().next().is_none());
        assert!(world.changes().is_empty());
        world.clear();
        assert!(world.all::<GlobalClock>().next().is_none());
        world.undo();
        assert!(world.all::<GlobalClock>().next().is_some());
    }

    #[test]
    fn changes_are_listed_once() {
        let mut world = World::new(Some(1));
        world.put(clock(1));
        world.settle();
        world.put(clock(2));
        world.put(clock(3));
        world.put(Switches::default());
        world.remove(Switches::ID);
        let changes = world.changes();
        assert_eq!(
            changes.len(),
            1,
            "what came and went in one operation is not written"
        );
        assert_eq!(changes[0].record, Some(&clock(3).into_record()));
        world.settle();
        world.remove(GlobalClock::ID);
        assert!(world.changes()[0].record.is_none());
    }
}
