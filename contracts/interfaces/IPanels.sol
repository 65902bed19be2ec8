// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ICourt} from "./ICourt.sol";
import {Offer} from "./ITypes.sol";

/// @title IPanels
/// @notice Jobs done k-of-n: one task, several deals of one buyer with different providers, results compared on
/// receipts.
/// @dev Each provider commits to its result before any is revealed. Of the candidates that committed, `size` are drawn
/// by the randomness of a block after the last commitment. If `k` of them reveal the same plain result, the receipts
/// of those that revealed another are unpaid, from there on. They are slashed too, and all of that burned, if their
/// offer consented and the panel was drawn from at least twice as many. A tie, or too few, pays and slashes nobody.
///
/// A panel holds no money. The chain keeps its hash, one word a seat, and where it stands; whoever acts brings the
/// panel along. Times are seconds on the protocol clock.
interface IPanels is ICourt {
    /// @notice Where a panel stands. Agreed: `k` alike. Tied: the time for revealing is over, and there were not.
    enum PanelState {
        None,
        Committing,
        Sealed,
        Revealing,
        Agreed,
        Tied
    }

    /// @notice One candidate.
    /// @param id Deal's id.
    /// @param key Deal's key.
    /// @param provider Provider's id.
    /// @param order Index of the task's order in this deal.
    /// @param consents Whether its offer consents to be slashed.
    struct Seat {
        uint32 id;
        bytes32 key;
        uint32 provider;
        uint64 order;
        bool consents;
    }

    /// @notice Facts of a panel.
    /// @param buyer Whose deals they are.
    /// @param number Panels of the buyer before it.
    /// @param inputRoot Data root of the task's input.
    /// @param maxUnits The orders' most units.
    /// @param k How many must agree; more than half of `size`.
    /// @param size How many are drawn.
    /// @param commitUntil Last second for commitments.
    /// @param revealFor Seconds for revealing, once drawn.
    /// @param seats Candidates.
    struct Panel {
        address buyer;
        uint64 number;
        bytes32 inputRoot;
        uint48 maxUnits;
        uint8 k;
        uint8 size;
        uint32 commitUntil;
        uint32 revealFor;
        Seat[] seats;
    }

    /// @notice A candidate as the buyer names it.
    /// @param id Deal's id.
    /// @param nonce The buyer's, with which the deal was opened.
    /// @param order Index of the task's order in this deal.
    /// @param offer The deal's offer.
    struct Candidate {
        uint32 id;
        uint64 nonce;
        uint64 order;
        Offer offer;
    }

    /// @notice What the chain keeps of a panel.
    /// @param state Where it stands.
    /// @param committed Seats that committed, one bit each.
    /// @param drawn Seats that were drawn, one bit each.
    /// @param revealed Drawn seats that revealed, one bit each.
    /// @param drawBlock Block whose randomness draws; 0 before.
    /// @param revealUntil Last second for revealing; 0 before.
    /// @param result Plain hash that was agreed on.
    struct PanelView {
        PanelState state;
        uint32 committed;
        uint32 drawn;
        uint32 revealed;
        uint64 drawBlock;
        uint32 revealUntil;
        bytes32 result;
    }

    /// @notice A panel was opened.
    /// @param panel Its identity.
    /// @param buyer Whose deals they are.
    /// @param facts Everything about it.
    event PanelOpened(bytes32 indexed panel, address indexed buyer, Panel facts);

    /// @notice A provider committed to its result.
    /// @param panel Its identity.
    /// @param seat Number of the seat.
    /// @param commitment What binds the result.
    event ResultCommitted(bytes32 indexed panel, uint8 indexed seat, bytes32 commitment);

    /// @notice No more commitments; the randomness of `drawBlock` will draw.
    /// @param panel Its identity.
    /// @param drawBlock Number of the block.
    event PanelSealed(bytes32 indexed panel, uint64 drawBlock);

    /// @notice Seats were drawn, one bit each.
    /// @param panel Its identity.
    /// @param drawn Seats.
    /// @param revealUntil Last second for revealing.
    event PanelDrawn(bytes32 indexed panel, uint32 drawn, uint32 revealUntil);

    /// @notice A provider revealed its result.
    /// @param panel Its identity.
    /// @param seat Number of the seat.
    /// @param plainHash keccak256 of the plain result.
    /// @param workHash Of the receipt.
    event ResultRevealed(bytes32 indexed panel, uint8 indexed seat, bytes32 plainHash, bytes32 workHash);

    /// @notice A panel ended.
    /// @param panel Its identity.
    /// @param state Where it stands.
    /// @param result Plain hash that was agreed on; zero if none.
    event PanelEnded(bytes32 indexed panel, PanelState state, bytes32 result);

    /// @notice A receipt of the minority was unpaid.
    /// @param panel Its identity.
    /// @param seat Number of the seat.
    /// @param slashed Whether its provider was slashed for it.
    event MinorityUnpaid(bytes32 indexed panel, uint8 indexed seat, bool slashed);

    /// @notice The panel cannot be: too few or too many seats, a threshold of half or less, times too short, or
    /// providers, deals and programs that do not fit together.
    error PanelsBadPanel(string field, uint256 value);

    /// @notice The panel is not there yet, or past it.
    error PanelsWrongState(bytes32 panel, PanelState state);

    /// @notice The seat committed or revealed before, was not drawn, or is not of the minority.
    error PanelsWrongSeat(uint8 seat);

    /// @notice What is revealed was not committed to.
    error PanelsOtherResult(uint8 seat);

    /// @notice The header is not that of the block that draws.
    error PanelsOtherBlock(uint64 drawBlock);

    /// @notice Opens a panel over deals of the caller.
    /// @param panel Its facts without seats; buyer, number and seats are filled in.
    /// @param candidates 2 to 16 of them, by rising deal id.
    /// @return id Its identity.
    function openPanel(Panel calldata panel, Candidate[] calldata candidates) external returns (bytes32 id);

    /// @notice Commits to a result. The seat's provider, by its owner or operator.
    /// @param panel The panel.
    /// @param seat Number of the seat.
    /// @param commitment keccak256(abi.encode(panel id, seat, work hash, plain hash, salt)).
    function commit(Panel calldata panel, uint8 seat, bytes32 commitment) external;

    /// @notice Ends commitments and names the block that draws; names another where the former's hash is gone.
    /// Permissionless.
    /// @param panel The panel.
    function seal(Panel calldata panel) external;

    /// @notice Draws. Permissionless.
    /// @param panel The panel.
    /// @param header RLP of the drawing block's header.
    function draw(Panel calldata panel, bytes calldata header) external;

    /// @notice Reveals a drawn seat's result, with the receipt that says so. Anyone who knows it.
    /// @param panel The panel.
    /// @param seat Number of the seat.
    /// @param shown The receipt, settled or signed.
    /// @param work What its work hash was made of.
    /// @param salt Of the commitment.
    function reveal(Panel calldata panel, uint8 seat, Shown calldata shown, Work calldata work, bytes32 salt) external;

    /// @notice Ends a panel when all drawn seats revealed or the time is over. Permissionless.
    /// @param panel The panel.
    function finish(Panel calldata panel) external;

    /// @notice Unpays a receipt of a drawn seat whose result is not the agreed one, and slashes if it may.
    /// Permissionless.
    /// @param panel The panel.
    /// @param seat Number of the seat.
    /// @param shown The seat's settled receipt of the task.
    /// @param work What its work hash was made of.
    function unpay(Panel calldata panel, uint8 seat, Shown calldata shown, Work calldata work) external;

    /// @notice What the chain keeps of a panel.
    /// @param panel Its identity.
    /// @return See {PanelView}.
    function panelOf(bytes32 panel) external view returns (PanelView memory);

    /// @notice Identity of a panel.
    /// @param panel Its facts.
    /// @return Hash of them.
    function idOf(Panel calldata panel) external pure returns (bytes32);
}
