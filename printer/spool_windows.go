package printer

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// winspool has the print queues. x/sys/windows does not know it.
var (
	winspool             = windows.NewLazySystemDLL("winspool.drv")
	procOpenPrinter      = winspool.NewProc("OpenPrinterW")
	procClosePrinter     = winspool.NewProc("ClosePrinter")
	procGetPrinter       = winspool.NewProc("GetPrinterW")
	procEnumPrinters     = winspool.NewProc("EnumPrintersW")
	procStartDocPrinter  = winspool.NewProc("StartDocPrinterW")
	procStartPagePrinter = winspool.NewProc("StartPagePrinter")
	procWritePrinter     = winspool.NewProc("WritePrinter")
	procEndPagePrinter   = winspool.NewProc("EndPagePrinter")
	procEndDocPrinter    = winspool.NewProc("EndDocPrinter")
	procAbortPrinter     = winspool.NewProc("AbortPrinter")
	procGetJob           = winspool.NewProc("GetJobW")
	procSetJob           = winspool.NewProc("SetJobW")
)

// call calls a function that returns zero for failure.
//
//go:uintptrescapes
func call(p *windows.LazyProc, args ...uintptr) (uintptr, error) {
	if err := p.Find(); err != nil {
		return 0, err
	}
	r, _, err := p.Call(args...)
	if r == 0 {
		return 0, fmt.Errorf("%s: %w", p.Name, err)
	}
	return r, nil
}

// winQueue is one print queue. It is opened for each call: a handle kept open
// keeps the queue from being renamed or removed.
type winQueue struct{ name string }

func openSpooler(name string) (spooler, error) { return winQueue{name}, nil }

type printerHandle uintptr

func (q winQueue) open() (printerHandle, error) {
	name, err := windows.UTF16PtrFromString(q.name)
	if err != nil {
		return 0, err
	}
	var h printerHandle
	if _, err := call(procOpenPrinter, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&h)), 0); err != nil {
		return 0, fmt.Errorf("cannot open print queue %s: %w", q.name, err)
	}
	return h, nil
}

func (h printerHandle) close() { _, _ = call(procClosePrinter, uintptr(h)) }

// docInfo1 is DOC_INFO_1W.
type docInfo1 struct{ name, output, datatype *uint16 }

func (q winQueue) submit(title string, data []byte) (job uint32, n int, err error) {
	h, err := q.open()
	if err != nil {
		return 0, 0, err
	}
	defer h.close()
	name, err := windows.UTF16PtrFromString(title)
	if err != nil {
		return 0, 0, err
	}
	raw, err := windows.UTF16PtrFromString("RAW")
	if err != nil {
		return 0, 0, err
	}
	doc := docInfo1{name: name, datatype: raw}
	id, err := call(procStartDocPrinter, uintptr(h), 1, uintptr(unsafe.Pointer(&doc)))
	if err != nil {
		return 0, 0, fmt.Errorf("cannot give print queue %s a document: %w", q.name, err)
	}
	if n, err = h.writePage(data); err != nil {
		_, _ = call(procAbortPrinter, uintptr(h)) // a queue that spools prints nothing of it
		return 0, n, fmt.Errorf("cannot write to print queue %s: %w", q.name, err)
	}
	if _, err := call(procEndDocPrinter, uintptr(h)); err != nil {
		return 0, n, fmt.Errorf("cannot end a document of print queue %s: %w", q.name, err)
	}
	return uint32(id), n, nil
}

func (h printerHandle) writePage(data []byte) (n int, err error) {
	if _, err := call(procStartPagePrinter, uintptr(h)); err != nil {
		return 0, err
	}
	for n < len(data) {
		var took uint32
		if _, err := call(procWritePrinter, uintptr(h), uintptr(unsafe.Pointer(&data[n])), uintptr(len(data)-n), uintptr(unsafe.Pointer(&took))); err != nil {
			return n, err
		}
		if took == 0 {
			return n, errors.New("it takes no more")
		}
		n += int(took)
	}
	_, err = call(procEndPagePrinter, uintptr(h))
	return n, err
}

// info reads a structure of unknown size by a function that tells it. The result
// is aligned for any structure.
func info(get func(buf unsafe.Pointer, size uint32, needed *uint32) error) (unsafe.Pointer, error) {
	var needed uint32
	if err := get(nil, 0, &needed); !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) {
		if err == nil {
			err = errors.New("it tells nothing")
		}
		return nil, err
	}
	buf := make([]uint64, needed/8+1)
	p := unsafe.Pointer(&buf[0])
	return p, get(p, uint32(len(buf)*8), &needed)
}

// jobInfo1 is the head of JOB_INFO_1W.
type jobInfo1 struct {
	id                                                   uint32
	printer, machine, user, document, datatype, statusAs *uint16
	status                                               uint32
}

// The bits of a job's status (winspool.h).
const (
	jobPaused           = 0x0001
	jobError            = 0x0002
	jobOffline          = 0x0020
	jobPaperOut         = 0x0040
	jobPrinted          = 0x0080
	jobDeleted          = 0x0100
	jobBlocked          = 0x0200
	jobUserIntervention = 0x0400
	jobComplete         = 0x1000
)

func (q winQueue) job(id uint32) (State, bool, error) {
	h, err := q.open()
	if err != nil {
		return StateOffline, false, err
	}
	defer h.close()
	p, err := info(func(buf unsafe.Pointer, size uint32, needed *uint32) error {
		_, err := call(procGetJob, uintptr(h), uintptr(id), 1, uintptr(buf), uintptr(size), uintptr(unsafe.Pointer(needed)))
		return err
	})
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) { // it has left the queue
		return StateUnknown, true, nil
	}
	if err != nil {
		return StateOffline, false, fmt.Errorf("cannot ask print queue %s for a document: %w", q.name, err)
	}
	switch status := (*jobInfo1)(p).status; {
	case status&(jobPrinted|jobComplete) != 0:
		return StateUnknown, true, nil
	case status&jobDeleted != 0:
		return StateUnknown, false, fmt.Errorf("somebody took the document out of print queue %s", q.name)
	case status&jobPaperOut != 0:
		return StatePaperOut, false, nil
	case status&(jobOffline|jobPaused|jobBlocked) != 0:
		return StateOffline, false, nil
	case status&(jobError|jobUserIntervention) != 0:
		return StateError, false, nil
	}
	return StateUnknown, false, nil
}

func (q winQueue) cancel(id uint32) error {
	h, err := q.open()
	if err != nil {
		return err
	}
	defer h.close()
	const jobControlDelete = 5
	_, err = call(procSetJob, uintptr(h), uintptr(id), 0, 0, jobControlDelete)
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return nil // it has left the queue
	}
	return err
}

// The bits of a queue's status (winspool.h).
const (
	queuePaused       = 0x00000001
	queueError        = 0x00000002
	queuePaperJam     = 0x00000008
	queuePaperOut     = 0x00000010
	queueOffline      = 0x00000080
	queueNotAvailable = 0x00001000
	queueIntervention = 0x00100000
	queueDoorOpen     = 0x00400000
)

func (q winQueue) state() (State, error) {
	h, err := q.open()
	if err != nil {
		return StateOffline, err
	}
	defer h.close()
	p, err := info(func(buf unsafe.Pointer, size uint32, needed *uint32) error {
		const level = 6 // PRINTER_INFO_6: the status alone
		_, err := call(procGetPrinter, uintptr(h), level, uintptr(buf), uintptr(size), uintptr(unsafe.Pointer(needed)))
		return err
	})
	if err != nil {
		return StateOffline, fmt.Errorf("cannot ask print queue %s for its state: %w", q.name, err)
	}
	switch status := *(*uint32)(p); {
	case status&queueDoorOpen != 0:
		return StateCoverOpen, nil
	case status&queuePaperOut != 0:
		return StatePaperOut, nil
	case status&(queueError|queuePaperJam|queueIntervention) != 0:
		return StateError, nil
	case status&(queueOffline|queuePaused|queueNotAvailable) != 0:
		return StateOffline, nil
	}
	return StateUnknown, nil
}

// printerInfo4 is PRINTER_INFO_4W.
type printerInfo4 struct {
	name, server *uint16
	attributes   uint32
}

// queueNames are the print queues of this machine and the user's connections.
func queueNames() ([]string, error) {
	const localAndConnections = 2 | 4
	var count uint32
	p, err := info(func(buf unsafe.Pointer, size uint32, needed *uint32) error {
		_, err := call(procEnumPrinters, localAndConnections, 0, 4, uintptr(buf), uintptr(size), uintptr(unsafe.Pointer(needed)), uintptr(unsafe.Pointer(&count)))
		if err == nil && buf == nil {
			return errNoQueues // an empty list needs no buffer
		}
		return err
	})
	if errors.Is(err, errNoQueues) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the print queues: %w", err)
	}
	var names []string
	for _, i := range unsafe.Slice((*printerInfo4)(p), count) {
		names = append(names, windows.UTF16PtrToString(i.name))
	}
	return names, nil
}

var errNoQueues = errors.New("there is no print queue")
