package printer

// In looks for ports below other roots than /sys and /dev.
func (o Options) In(sys, dev string) Options {
	o.system = system{sys, dev}
	return o
}
