//! Persistent variables on a device: parameters, statistics, optimiser state, counters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::PlanError;
use super::session::TensorReadback;
use crate::gpu::{Banks, CommandEncoder, Device, GpuError, UNIFORM_LEAST};
use crate::graph::{Graph, Variable};
use crate::tensor::HostTensor;

/// The banks of one or several graphs that share their variables by name: a training graph and its evaluation twin.
pub struct Variables {
    device: Device,
    banks: Banks,
    /// By name: the bank's name and the variable.
    table: BTreeMap<String, (String, Variable)>,
    /// By bank: how often something may have changed it.
    changes: BTreeMap<String, Arc<AtomicU64>>,
}

impl Variables {
    /// Makes the banks of `graph` and fills the variables with their initial values under `seed`.
    ///
    /// # Errors
    /// When the device refuses a buffer.
    pub fn new(device: &Device, graph: &Graph, seed: u32) -> Result<Self, GpuError> {
        let mut banks = Banks::new();
        for bank in graph.banks() {
            // With room for a window on its last values.
            banks.insert(bank.name.clone(), device.buffer(&bank.name, bank.len as u64 * 4 + UNIFORM_LEAST)?);
        }
        let mut table = BTreeMap::new();
        for (stream, variable) in (0u32..).zip(graph.variables()) {
            let bank = &graph.banks()[variable.bank.0 as usize].name;
            let values = variable.init.values(seed, stream, variable.ty.count());
            device.queue().write_buffer(&banks[bank], variable.offset as u64 * 4, bytemuck::cast_slice(&values));
            table.insert(variable.name.clone(), (bank.clone(), variable.clone()));
        }
        let changes = banks.keys().map(|bank| (bank.clone(), Arc::default())).collect();
        Ok(Self { device: device.clone(), banks, table, changes })
    }

    /// The banks, for playback.
    pub(super) fn banks(&self) -> &Banks {
        &self.banks
    }

    /// The counters of changes of the banks that `which` names, for sessions that keep what they made of them.
    pub(super) fn changes(&self, which: &BTreeSet<&str>) -> Vec<Arc<AtomicU64>> {
        self.changes.iter().filter(|(bank, _)| which.contains(bank.as_str())).map(|(_, c)| Arc::clone(c)).collect()
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    /// The variable called `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, name: &str) -> Result<&Variable, PlanError> {
        self.entry(name).map(|(_, variable)| variable)
    }

    fn entry(&self, name: &str) -> Result<&(String, Variable), PlanError> {
        self.table.get(name).ok_or_else(|| PlanError::UnknownName {
            name: name.to_owned(),
            known: self.names().map(str::to_owned).collect(),
        })
    }

    /// Starts reading a variable back.
    ///
    /// # Errors
    /// When there is no such variable or the device refuses.
    pub fn read(&self, name: &str) -> Result<TensorReadback, crate::Error> {
        let (bank, variable) = self.entry(name)?;
        let buffer = &self.banks[bank];
        let pending = self.device.read(buffer, variable.offset as u64 * 4, variable.ty.bytes())?;
        Ok(TensorReadback::new(pending, variable.ty.clone()))
    }

    /// Records the copy of a variable into the caller's encoder; see [`Device::record_read`].
    ///
    /// # Errors
    /// When there is no such variable or the device refuses.
    pub fn record_read(
        &self,
        encoder: &mut CommandEncoder,
        name: &str,
    ) -> Result<crate::gpu::RecordedRead, crate::Error> {
        let (bank, variable) = self.entry(name)?;
        let (offset, bytes) = (variable.offset as u64 * 4, variable.ty.bytes());
        Ok(self.device.record_read(encoder, &self.banks[bank], offset, bytes)?)
    }

    /// Overwrites a variable before the next run.
    ///
    /// # Errors
    /// When there is no such variable or its type differs.
    pub fn write(&self, name: &str, value: &HostTensor) -> Result<(), PlanError> {
        let (bank, variable) = self.entry(name)?;
        if value.ty() != variable.ty {
            return Err(PlanError::Mismatch {
                name: name.to_owned(),
                expected: variable.ty.to_string(),
                found: value.ty().to_string(),
            });
        }
        self.device.queue().write_buffer(&self.banks[bank], variable.offset as u64 * 4, value.bytes());
        self.changes[bank].fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// All variables, read back.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn snapshot(&self) -> Result<BTreeMap<String, HostTensor>, crate::Error> {
        let mut values = BTreeMap::new();
        for (name, read) in self.read_all()? {
            values.insert(name, read.await?);
        }
        Ok(values)
    }

    /// [`Variables::snapshot`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn snapshot_blocking(&self) -> Result<BTreeMap<String, HostTensor>, crate::Error> {
        self.read_all()?.into_iter().map(|(name, read)| Ok((name, read.wait()?))).collect()
    }

    fn read_all(&self) -> Result<Vec<(String, TensorReadback)>, crate::Error> {
        self.names().map(|name| Ok((name.to_owned(), self.read(name)?))).collect()
    }

    /// Overwrites all variables with those of a snapshot, or, on an error, none of them. What the snapshot has beside
    /// them is left alone: an evaluation graph takes the weights of a training checkpoint and not its momentum.
    ///
    /// # Errors
    /// When a variable is missing or of another type.
    pub fn restore(&self, values: &BTreeMap<String, HostTensor>) -> Result<(), PlanError> {
        for (name, (_, variable)) in &self.table {
            let found = values.get(name).map(HostTensor::ty);
            if found.as_ref() != Some(&variable.ty) {
                let found = found.map_or_else(|| "nothing".to_owned(), |ty| ty.to_string());
                return Err(PlanError::Mismatch { name: name.clone(), expected: variable.ty.to_string(), found });
            }
        }
        self.table.keys().try_for_each(|name| self.write(name, &values[name]))
    }

    /// Whether a plan's variables lie where these do.
    pub(super) fn check(&self, used: &[(String, Variable)]) -> Result<(), PlanError> {
        for (bank, variable) in used {
            let (own_bank, own) = self.entry(&variable.name)?;
            if own_bank != bank || own.ty != variable.ty || own.offset != variable.offset {
                return Err(PlanError::Mismatch {
                    name: variable.name.clone(),
                    expected: format!("{} at {} of {bank}", variable.ty, variable.offset),
                    found: format!("{} at {} of {own_bank}", own.ty, own.offset),
                });
            }
        }
        Ok(())
    }
}
