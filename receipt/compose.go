package receipt

import (
	"errors"
	"fmt"

	"tillagent/printer"
	"tillagent/trade"
)

// Encode gives the paper as bytes for one model. Bytes that the POS made lose
// what would make the printer answer, see [printer.Quiet].
func (s Shop) Encode(p Paper, content trade.Content, profile printer.Profile) (printer.Rendered, error) {
	doc, err := s.Document(p, content)
	if err != nil {
		return printer.Rendered{}, err
	}
	if content.Form != trade.PrintRaw {
		return printer.Render(doc, profile)
	}
	raw := printer.Quiet(content.Data)
	if len(doc) == 0 {
		return printer.Rendered{Bytes: raw}, nil
	}
	block, warnings, err := printer.EncodeWithin(doc, profile)
	if err != nil {
		return printer.Rendered{}, err
	}
	alone, err := printer.Render(doc, profile) // within the job its QR codes go the same way
	return printer.Rendered{Bytes: printer.InsertBeforeCut(raw, block), Warnings: warnings, QRs: alone.QRs}, err
}

// Document gives the paper as it prints: the agent's own layout or, where the POS
// laid it out, its lines with the agent's block in them. Of bytes that the POS
// made it is the block alone.
func (s Shop) Document(p Paper, content trade.Content) (printer.Doc, error) {
	switch content.Form {
	case trade.PrintLines:
		doc, problems := s.Lines(content.Data, s.block(p))
		if len(problems) > 0 { // it was checked: for wider paper
			return nil, fmt.Errorf("%s: %s", problems[0].Field, problems[0].Message.In(trade.EN))
		}
		return doc, nil
	case trade.PrintRaw:
		return s.block(p), nil
	}
	if p.Kind == trade.PaperPOS {
		return nil, errors.New("what the POS laid out is not kept any more")
	}
	return s.Layout(p), nil
}

// block is Block, and for paper that belongs to no sale the mark of training
// alone.
func (s Shop) block(p Paper) printer.Doc {
	if p.Kind == trade.PaperPOS && !p.Training {
		return nil
	}
	return s.Block(p)
}
