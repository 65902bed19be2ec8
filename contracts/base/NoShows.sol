// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IFaults} from "../interfaces/IFaults.sol";
import {INets} from "../interfaces/INets.sol";
import {Fault, Mode, Offer} from "../interfaces/ITypes.sol";
import {IVault} from "../interfaces/IVault.sol";
import {EvidenceLib} from "../libraries/EvidenceLib.sol";
import {LienLib} from "../libraries/LienLib.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {NetTreeLib} from "../libraries/NetTreeLib.sol";
import {Purse} from "../types/Purse.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {Remedies} from "./Remedies.sol";

/// @title NoShows
/// @notice Deals that ran to their end with less work than their offers promised.
abstract contract NoShows is IFaults, Remedies {
    uint256 private constant HOUR = 1 hours;
    uint32 private constant NO_SHOW_GAS = 90_000;
    uint32 private constant NET_NO_SHOW_GAS = 120_000;

    /// @inheritdoc IFaults
    function proveNoShow(uint32 id, Offer calldata offer, uint64 nonce) external {
        (uint256 now_, Terms terms) = _requireOver(id, offer, nonce);
        require(terms.mode() != uint256(Mode.Net), RemediesNetted(id));
        _judge(id, terms, offer, _unitsOf(id, terms.streams()), NO_SHOW_GAS, now_);
    }

    /// @inheritdoc IFaults
    function proveNetNoShow(
        uint32 id,
        Offer calldata offer,
        uint64 nonce,
        bytes calldata leaf,
        INets.NetPath calldata path
    ) external {
        (uint256 now_, Terms terms) = _requireOver(id, offer, nonce);
        require(terms.mode() == uint256(Mode.Net), FaultsNothingWrong(Fault.NoShow));
        require(NetTreeLib.climb(NetTreeLib.hashOf(leaf), id, path) == _netRoot, INets.NetsBadPath());
        uint256 units = NetTreeLib.unitsOf(leaf, _deals[id].key, terms.streams());
        _judge(id, terms, offer, units, NET_NO_SHOW_GAS, now_);
    }

    /// @notice Slashes the bond in proportion to what is missing, rounded up, nine tenths of it for the buyer.
    function _judge(
        uint32 id,
        Terms terms,
        Offer calldata offer,
        uint256 units,
        uint32 proofGas,
        uint256 now_
    ) private {
        Deal storage self = _deals[id];
        uint256 paid = Math.min(units * terms.price(), self.purse.budget());
        uint256 possible = (terms.rateCap() * (terms.end() - terms.openedAt())) / HOUR;
        uint256 wanted = Math.min(offer.minBudget, possible * terms.streams() * terms.price());
        require(paid < wanted, FaultsNothingWrong(Fault.NoShow));
        IVault.Charge memory charge;
        bytes32 key = self.key;
        charge.subject = keccak256(abi.encode(key, uint256(0), Fault.NoShow));
        (charge.fault, charge.proofGas, charge.reporter) = (Fault.NoShow, proofGas, msg.sender);
        (charge.victim, charge.restitution) = (self.buyer, type(uint96).max); // the vault leaves nine tenths of it
        charge.evidence = EvidenceLib.evidenceOf(0, key);
        // Nothing was ordered in vain: who was to work keeps no fee for it.
        Purse purse = self.purse;
        if (terms.state() == TermsLib.LIVE && purse.openingFee() != 0) self.purse = purse.withoutFee();
        _slash(terms.provider(), charge, LienLib.partUp(self.bond, wanted - paid, wanted), now_);
        emit FaultProven(charge.subject, 0, key);
    }

    function _requireOver(uint32 id, Offer calldata offer, uint64 nonce) private returns (uint256 now_, Terms terms) {
        now_ = _touch();
        Deal storage self = _deals[id];
        terms = self.terms;
        require(terms.state() != 0, FaultsNoSuchStream(id, 0));
        bytes32 hash = MessageLib.digest(_domainSeparatorV4(), MessageLib.offerHash(offer));
        require(keccak256(abi.encode(hash, self.buyer, nonce)) == self.key, FaultsOtherOffer(id));
        bool isOver = terms.state() == TermsLib.CLOSED || now_ >= terms.end() + _head.closingPeriod;
        require(isOver && !terms.has(TermsLib.STOPPED | TermsLib.EXCUSED), FaultsNoShowRefused(id));
    }
}
