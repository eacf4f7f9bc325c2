//! Bringing bytes back to the host without stalling anything that is not asked to stall.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::device::Device;
use super::error::GpuError;

/// Bytes on their way from the device: a future, which can also be asked ([`Readback::poll_take`]) or waited for
/// ([`Readback::wait`]).
#[must_use = "bytes that are asked for must be taken"]
pub struct Readback {
    device: Device,
    staging: Option<wgpu::Buffer>,
    bytes: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    mapped: Option<Result<(), wgpu::BufferAsyncError>>,
    waker: Option<Waker>,
}

/// Copies recorded into an encoder, to be [started](RecordedRead::start) once the encoder was submitted.
#[must_use = "recorded copies must be started"]
pub struct RecordedRead {
    device: Device,
    staging: wgpu::Buffer,
    bytes: u64,
}

impl Device {
    /// Copies a range of `buffer` and returns it as a future. Submits one copy; waits for nothing.
    ///
    /// # Errors
    /// As [`Device::record_read`].
    pub fn read(&self, buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> Result<Readback, GpuError> {
        let mut encoder = self.encoder("read");
        let pending = self.record_read(&mut encoder, buffer, offset, bytes)?;
        self.submit(encoder);
        Ok(pending.start())
    }

    /// Records a copy of a range of `buffer` into the caller's encoder, to be [started](RecordedRead::start) once that
    /// encoder was submitted. Submits nothing.
    ///
    /// # Errors
    /// When no staging buffer can be made, or the range is none of the buffer's, in words of 4 bytes.
    pub fn record_read(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        buffer: &wgpu::Buffer,
        offset: u64,
        bytes: u64,
    ) -> Result<RecordedRead, GpuError> {
        let end = offset.checked_add(bytes).filter(|&end| end <= buffer.size());
        if end.is_none() || !(offset.is_multiple_of(4) && bytes.is_multiple_of(4)) {
            let why = format!("{bytes} bytes from {offset} on, of {}, are no whole words of it", buffer.size());
            return Err(GpuError::Refused { what: "a read-back".into(), why });
        }
        let staging = self.staging(bytes)?;
        encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, bytes);
        Ok(RecordedRead { device: self.clone(), staging, bytes })
    }

    /// Makes the buffers that `count` read-backs of `bytes` under way at once need, so that none is made later.
    ///
    /// # Errors
    /// When the device refuses a buffer.
    pub fn reserve_reads(&self, count: usize, bytes: u64) -> Result<(), GpuError> {
        let made = (0..count).map(|_| self.new_staging(bytes)).collect::<Result<Vec<_>, _>>()?;
        self.inner().staging.lock().unwrap_or_else(PoisonError::into_inner).extend(made);
        Ok(())
    }

    /// A mappable buffer: one that an earlier read-back gave back, or a new one.
    fn staging(&self, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        let mut free = self.inner().staging.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |b: &wgpu::Buffer| (bytes..=bytes.saturating_mul(4)).contains(&b.size());
        if let Some(index) = free.iter().position(fits) {
            return Ok(free.swap_remove(index));
        }
        drop(free);
        self.new_staging(bytes)
    }

    fn new_staging(&self, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        self.buffer_for("read-back", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }
}

impl RecordedRead {
    /// Asks for the bytes; the copies must have been submitted.
    pub fn start(self) -> Readback {
        let state = Arc::new(Mutex::new(State::default()));
        let seen = Arc::clone(&state);
        self.staging.slice(..self.bytes).map_async(wgpu::MapMode::Read, move |mapped| {
            let mut state = seen.lock().unwrap_or_else(PoisonError::into_inner);
            state.mapped = Some(mapped);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        });
        Readback { device: self.device, staging: Some(self.staging), bytes: self.bytes, state }
    }
}

impl Readback {
    /// The bytes, if they have come. Polls the device once, without blocking.
    ///
    /// # Errors
    /// When the device was lost or refused to map.
    pub fn poll_take(&mut self) -> Option<Result<Vec<u8>, GpuError>> {
        // A failed poll shows as a lost device below.
        let _ = self.device.wgpu().poll(wgpu::PollType::Poll);
        self.take()
    }

    /// Blocks until the bytes have come; not for browsers.
    ///
    /// # Errors
    /// When the device was lost or refused to map.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(mut self) -> Result<Vec<u8>, GpuError> {
        loop {
            if let Some(taken) = self.take() {
                return taken;
            }
            self.device.wait()?;
        }
    }

    fn take(&mut self) -> Option<Result<Vec<u8>, GpuError>> {
        if let Err(lost) = self.device.lost() {
            return Some(Err(lost));
        }
        let mapped = self.state.lock().unwrap_or_else(PoisonError::into_inner).mapped.take()?;
        let staging = self.staging.take()?;
        let refused = |why: String| GpuError::Refused { what: "a read-back".into(), why };
        let failed = |e: wgpu::BufferAsyncError| {
            // A lost device refuses to map before it says that it was lost.
            let _ = self.device.wgpu().poll(wgpu::PollType::Poll);
            self.device.lost().err().unwrap_or_else(|| refused(e.to_string()))
        };
        let taken = mapped.map_err(failed).and_then(|()| {
            let range = staging.slice(..self.bytes).get_mapped_range();
            range.map(|view| view.to_vec()).map_err(|e| refused(e.to_string()))
        });
        if taken.is_ok() {
            staging.unmap();
            self.device.inner().staging.lock().unwrap_or_else(PoisonError::into_inner).push(staging);
        }
        Some(taken)
    }
}

impl Future for Readback {
    type Output = Result<Vec<u8>, GpuError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(taken) = self.poll_take() {
            return Poll::Ready(taken);
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).waker = Some(context.waker().clone());
        // The callback may have run between the look and the registration.
        if let Some(taken) = self.take() {
            return Poll::Ready(taken);
        }
        // Natively nothing polls the device unless somebody asks again.
        #[cfg(not(target_arch = "wasm32"))]
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Runs a future on this thread.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
