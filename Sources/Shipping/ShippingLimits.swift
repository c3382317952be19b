/// What bounds a batch of shipped records.
package enum ShippingLimits {
  /// Records of a batch.
  package static let batchRecordsMax = 512
  /// Bytes of a batch's lines; a single longer record is a batch of its own.
  package static let batchBytesMax = 1 << 20
}
