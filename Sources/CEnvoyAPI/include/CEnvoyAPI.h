/* Written by Protos/generate; never edited. */
#pragma once
#include "envoy/config/core/v3/address.pb-c.h"
#include "envoy/config/core/v3/base.pb-c.h"
#include "envoy/extensions/filters/http/ext_proc/v3/processing_mode.pb-c.h"
#include "envoy/service/auth/v3/attribute_context.pb-c.h"
#include "envoy/service/auth/v3/external_auth.pb-c.h"
#include "envoy/service/ext_proc/v3/external_processor.pb-c.h"
#include "envoy/type/v3/http_status.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "grpc/health/v1/health.pb-c.h"
